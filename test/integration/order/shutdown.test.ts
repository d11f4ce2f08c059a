import { expect } from 'chai';
import { Gate } from '../../../pkg/order/testing/faults.js';
import { expectReason } from '../../support/expect-reason.js';
import { useOrders } from '../../support/order/fixture.js';

describe('a stopping replica', () => {
  const fixture = useOrders();
  let gate: Gate;

  beforeEach(async () => {
    gate = new Gate();
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', gate.beforeEffect());
  });
  afterEach(() => gate.open());

  it('finishes its orders in progress, and ends the superseded saga of a cancelled order', async () => {
    const stoppingReplica = await fixture.start();
    const order = await fixture.accept({}, stoppingReplica.orders);
    const cancelledOrder = await fixture.accept({}, stoppingReplica.orders);
    await gate.reached;
    const cancellation = fixture.cancel(cancelledOrder.id, stoppingReplica.orders);
    await fixture.untilTerminal(cancelledOrder.id);

    const closed = stoppingReplica.close();
    gate.open();
    await closed;

    expect((await cancellation).state).to.equal('CANCELLED');
    expect((await fixture.finishedTimeline(order.id)).at(-1)).to.equal('CONFIRM → CONFIRMED');
    expect(fixture.ports.stepsOf(order.id)).to.have.lengthOf(4);
    expect(stoppingReplica.logs.filter((line) => line.includes('"level":"error"'))).to.deep.equal([]);
  });

  it('rejects new orders', async () => {
    const stoppingReplica = await fixture.start();
    const { id } = await fixture.accept({}, stoppingReplica.orders);
    await gate.reached;

    const closed = stoppingReplica.close();
    await expectReason(fixture.accept({}, stoppingReplica.orders), 'SHUTTING_DOWN');
    gate.open();
    await closed;

    expect((await fixture.finishedTimeline(id)).at(-1)).to.equal('CONFIRM → CONFIRMED');
  });
});
