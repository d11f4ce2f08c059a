import { expect } from 'chai';
import { AppError } from '../../pkg/errors/index.js';
import { anOrderRequest } from '../../pkg/order/testing/builders.js';
import { failing, Gate, inTurn, type Fault } from '../../pkg/order/testing/faults.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { useOrders } from './order-bench.js';
import { patience, watchful } from './order-replica.js';

const connectionLost = new AppError({ reason: 'DEPENDENCY_UNAVAILABLE', message: 'the connection was lost' });

/** A fault at the first call for each order. */
function atFirst(fault: Fault): Fault {
  const seen = new Set<string>();
  return async (order, bounds, effect) => {
    if (seen.has(order.id)) return undefined;
    seen.add(order.id);
    return fault(order, bounds, effect);
  };
}

describe('orders left behind', () => {
  const bench = useOrders();

  it('by a silent instance are shared out among those that claim at once, each driven once', async () => {
    const gate = new Gate();
    bench.ports.faults.set('AUTHORIZE_PAYMENT', atFirst(gate.before()));
    const orders = await Promise.all(Array.from({ length: 90 }, () => bench.accept()));
    await waitFor(() => bench.ports.calls.length === 180, 'every order to be held');
    await bench.silence();

    const successors = await Promise.all([1, 2, 3].map(() => bench.start(watchful)));

    await Promise.all(
      orders.map(async ({ id }, index) => {
        const story = await bench.storyOf(id, successors[index % 3]?.orders);
        expect(story.at(-1)).to.equal('CONFIRM → CONFIRMED');
        expect(bench.ports.stepsOf(id).filter((step) => step === 'AUTHORIZE_PAYMENT')).to.have.lengthOf(2);
      }),
    );
    gate.open();
  });

  it('by an instance that stops in good order are carried on without waiting for its silence', async () => {
    const gate = new Gate();
    const leaving = await bench.start({ SHUTDOWN_TIMEOUT: '100ms' });
    bench.ports.faults.set('AUTHORIZE_PAYMENT', inTurn(gate.before()));
    const { id } = await bench.accept({}, leaving.orders);
    await gate.reached;

    await leaving.close();
    const successor = await bench.start(watchful);

    expect((await bench.storyOf(id, successor.orders)).at(-1)).to.equal('CONFIRM → CONFIRMED');
  });

  it('in a retry that waits are handed over as well', async () => {
    const leaving = await bench.start({
      SHUTDOWN_TIMEOUT: '100ms',
      SAGA_RETRY_BASE: '10s',
      SAGA_RETRY_CAP: '60s',
    });
    bench.ports.faults.set('CAPTURE_PAYMENT', inTurn(failing(new Error('down')), failing(new Error('down'))));
    const { id } = await bench.accept({}, leaving.orders);
    await waitFor(async () => (await bench.orders.getOrder(id, '')).revision > 1, 'the first doubt');

    await leaving.close();
    const successor = await bench.start(watchful);

    const story = await bench.storyOf(id, successor.orders);
    expect(story.filter((line) => line.startsWith('CAPTURE'))).to.deep.equal([
      'CAPTURE_PAYMENT in doubt',
      'CAPTURE_PAYMENT in doubt #2',
      'CAPTURE_PAYMENT #3',
    ]);
  });

  it('by an instance that never learned that it accepted them are picked up by itself', async () => {
    const forgetful = await bench.start(watchful);
    const request = anOrderRequest();
    forgetful.db.lose.set('order.accept', [connectionLost]);
    await expectReason(forgetful.orders.createOrder(request, patience()), 'DEPENDENCY_UNAVAILABLE');
    await bench.age();

    const order = await forgetful.orders.createOrder(request, patience());

    expect(order.state).to.equal('CONFIRMED');
    expect(bench.ports.stepsOf(order.id)).to.have.lengthOf(4);
    await bench.storyOf(order.id);
  });

  it('by a saga that could not store its end are picked up again', async () => {
    const unlucky = await bench.start(watchful);
    unlucky.db.refuse.set('saga.record', [connectionLost]);

    const call = unlucky.orders.createOrder(anOrderRequest(), patience());
    await waitFor(() => unlucky.logs.some((line) => line.includes('left to recovery')), 'the saga to fail');
    await bench.age();

    const order = await call;
    expect(order.state).to.equal('CONFIRMED');
    expect(bench.ports.stepsOf(order.id)).to.have.lengthOf(8);
    await bench.storyOf(order.id);
  });

  it('are none when the database is merely crowded: a saga waits for its turn', async () => {
    const crowded = new AppError({ reason: 'OVERLOADED', message: 'no database connection is free' });
    bench.replica.db.refuse.set('saga.record', [crowded, crowded, crowded]);

    const order = await bench.create();

    expect(order.state).to.equal('CONFIRMED');
    expect(bench.ports.stepsOf(order.id)).to.have.lengthOf(4);
  });

  it('are not those that an instance is at work on, however long a step takes', async () => {
    const gate = new Gate();
    const patient = await bench.start(watchful);
    await bench.start(watchful);
    bench.ports.faults.set('AUTHORIZE_PAYMENT', inTurn(gate.before()));
    const { id } = await bench.accept({}, patient.orders);
    await gate.reached;
    await bench.age();

    await bench.round(2);
    await bench.round(2);
    gate.open();

    expect((await bench.storyOf(id)).at(-1)).to.equal('CONFIRM → CONFIRMED');
    expect(bench.ports.stepsOf(id)).to.have.lengthOf(4);
  });
});
