import { expect } from 'chai';
import { Gate } from '../../pkg/order/testing/faults.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { useOrders } from './order-bench.js';

describe('a replica that is asked to stop', () => {
  const bench = useOrders();
  let gate: Gate;

  beforeEach(async () => {
    gate = new Gate();
    bench.ports.faults.set('AUTHORIZE_PAYMENT', gate.before());
  });
  afterEach(() => gate.open());

  it('brings the orders under way to their end first, also one that is being cancelled', async () => {
    const leaving = await bench.start();
    const order = await bench.accept({}, leaving.orders);
    const other = await bench.accept({}, leaving.orders);
    await gate.reached;
    const cancellation = bench.cancel(other.id, leaving.orders);
    await bench.untilRest(other.id);

    const closed = leaving.close();
    gate.open();
    await closed;

    expect((await cancellation).state).to.equal('CANCELLED');
    expect((await bench.storyOf(order.id)).at(-1)).to.equal('CONFIRM → CONFIRMED');
    expect(bench.ports.stepsOf(order.id)).to.have.lengthOf(4);
    expect(leaving.logs.filter((line) => line.includes('"level":"error"'))).to.deep.equal([]);
  });

  it('takes no new orders', async () => {
    const leaving = await bench.start();
    const { id } = await bench.accept({}, leaving.orders);
    await gate.reached;

    const closed = leaving.close();
    await expectReason(bench.accept({}, leaving.orders), 'SHUTTING_DOWN');
    gate.open();
    await closed;

    expect((await bench.storyOf(id)).at(-1)).to.equal('CONFIRM → CONFIRMED');
  });
});
