import { expect } from 'chai';
import { AppError } from '../../../pkg/errors/index.js';
import { anOrderRequest } from '../../../pkg/order/testing/builders.js';
import { failing, Gate, inSequence, type Fault } from '../../../pkg/order/testing/faults.js';
import { expectReason } from '../../support/expect-reason.js';
import { waitFor } from '../../support/wait-for.js';
import { useOrders } from '../../support/order/fixture.js';
import { callOptions, fastRecovery } from '../../support/order/replica.js';

const connectionLost = new AppError({ reason: 'DEPENDENCY_UNAVAILABLE', message: 'the connection was lost' });

/** Returns a fault that affects only the first call for each order. */
function onFirstCall(fault: Fault): Fault {
  const seenIds = new Set<string>();
  return async (order, options, effect) => {
    if (seenIds.has(order.id)) return undefined;
    seenIds.add(order.id);
    return fault(order, options, effect);
  };
}

describe('recovery', () => {
  const fixture = useOrders();

  it('claims each order of a dead instance once when several instances claim concurrently', async () => {
    const gate = new Gate();
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', onFirstCall(gate.beforeEffect()));
    const orders = await Promise.all(Array.from({ length: 90 }, () => fixture.accept()));
    await waitFor(() => fixture.ports.calls.length === 180, 'blocked calls of all orders');
    await fixture.stopHeartbeats();

    const successors = await Promise.all([1, 2, 3].map(() => fixture.start(fastRecovery)));

    await Promise.all(
      orders.map(async ({ id }, index) => {
        const timeline = await fixture.finishedTimeline(id, successors[index % 3]?.orders);
        expect(timeline.at(-1)).to.equal('CONFIRM → CONFIRMED');
        expect(fixture.ports.stepsOf(id).filter((step) => step === 'AUTHORIZE_PAYMENT')).to.have.lengthOf(2);
      }),
    );
    gate.open();
  });

  it('claims the orders of a stopped instance without waiting for the heartbeat timeout', async () => {
    const gate = new Gate();
    const stoppingReplica = await fixture.start({ SHUTDOWN_TIMEOUT: '100ms' });
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', inSequence(gate.beforeEffect()));
    const { id } = await fixture.accept({}, stoppingReplica.orders);
    await gate.reached;

    await stoppingReplica.close();
    const successor = await fixture.start(fastRecovery);

    expect((await fixture.finishedTimeline(id, successor.orders)).at(-1)).to.equal('CONFIRM → CONFIRMED');
  });

  it('claims an order that waited for a retry when its instance stopped', async () => {
    const stoppingReplica = await fixture.start({
      SHUTDOWN_TIMEOUT: '100ms',
      SAGA_RETRY_BASE: '10s',
      SAGA_RETRY_CAP: '10s',
    });
    fixture.ports.faults.set(
      'CAPTURE_PAYMENT',
      inSequence(failing(new Error('down')), failing(new Error('down'))),
    );
    const { id } = await fixture.accept({}, stoppingReplica.orders);
    await waitFor(
      async () => (await fixture.orders.getOrder(id, '')).revision > 1,
      'timeline entry of the first attempt',
    );

    await stoppingReplica.close();
    const successor = await fixture.start(fastRecovery);

    const timeline = await fixture.finishedTimeline(id, successor.orders);
    expect(timeline.filter((line) => line.startsWith('CAPTURE'))).to.deep.equal([
      'CAPTURE_PAYMENT in doubt',
      'CAPTURE_PAYMENT in doubt #2',
      'CAPTURE_PAYMENT #3',
    ]);
  });

  it('claims an order of its own instance when the response to the commit of the order is lost', async () => {
    const replica = await fixture.start(fastRecovery);
    const request = anOrderRequest();
    replica.db.failAfter.set('order.accept', [connectionLost]);
    await expectReason(replica.orders.createOrder(request, callOptions()), 'DEPENDENCY_UNAVAILABLE');

    const order = await replica.orders.createOrder(request, callOptions());

    expect(order.state).to.equal('CONFIRMED');
    expect(fixture.ports.stepsOf(order.id)).to.have.lengthOf(4);
    await fixture.finishedTimeline(order.id);
  });

  it('claims an order of its own instance when the saga fails to store the terminal state', async () => {
    const replica = await fixture.start(fastRecovery);
    replica.db.failBefore.set('saga.record', [connectionLost]);

    const call = replica.orders.createOrder(anOrderRequest(), callOptions());
    await waitFor(
      () => replica.logs.some((line) => line.includes('left to recovery')),
      'log line of the failed saga',
    );

    const order = await call;
    expect(order.state).to.equal('CONFIRMED');
    expect(fixture.ports.stepsOf(order.id)).to.have.lengthOf(8);
    await fixture.finishedTimeline(order.id);
  });

  it('is not needed when the connection pool is exhausted, since the saga retries its write', async () => {
    const exhausted = new AppError({ reason: 'OVERLOADED', message: 'no database connection is free' });
    fixture.replica.db.failBefore.set('saga.record', [exhausted, exhausted, exhausted]);

    const order = await fixture.create();

    expect(order.state).to.equal('CONFIRMED');
    expect(fixture.ports.stepsOf(order.id)).to.have.lengthOf(4);
  });

  it('is not needed while the pool is exhausted for long, since the saga repeats its write soon', async () => {
    const exhausted = new AppError({ reason: 'OVERLOADED', message: 'no database connection is free' });
    const replica = await fixture.start({ SAGA_RETRY_BASE: '10s', SAGA_RETRY_CAP: '10s' });
    replica.db.failBefore.set(
      'saga.record',
      Array.from({ length: 8 }, () => exhausted),
    );

    const order = await replica.orders.createOrder(anOrderRequest(), callOptions(5000));

    expect(order.state).to.equal('CONFIRMED');
  });

  it('does not claim an order with a live driver while a step hangs', async () => {
    const gate = new Gate();
    const replica = await fixture.start(fastRecovery);
    const other = await fixture.start(fastRecovery);
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', inSequence(gate.beforeEffect()));
    const { id } = await fixture.accept({}, replica.orders);
    await gate.reached;

    await fixture.claimRound([replica, other]);
    gate.open();

    expect((await fixture.finishedTimeline(id)).at(-1)).to.equal('CONFIRM → CONFIRMED');
    expect(fixture.ports.stepsOf(id)).to.have.lengthOf(4);
  });
});
