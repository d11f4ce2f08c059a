import { expect } from 'chai';
import { AppError } from '../../../pkg/errors/index.js';
import { Gate } from '../../../pkg/order/testing/faults.js';
import { useOrders } from '../../support/order/fixture.js';
import { callOptions } from '../../support/order/replica.js';

describe('a call that waits for an order', () => {
  const fixture = useOrders();
  let gate: Gate;

  beforeEach(() => {
    gate = new Gate();
    fixture.ports.faults.set('CAPTURE_PAYMENT', gate.beforeEffect());
  });
  afterEach(() => gate.open());

  it('returns the PENDING order at the deadline of the call, and the saga continues', async () => {
    const order = await fixture.create({}, callOptions(30));
    expect(order).to.include({ state: 'PENDING' });

    gate.open();

    expect((await fixture.finishedTimeline(order.id)).at(-1)).to.equal('CONFIRM → CONFIRMED');
  });

  it('returns the PENDING order at the deadline, even when the stored order cannot be read', async () => {
    const overloaded = new AppError({ reason: 'OVERLOADED', message: 'the pool is exhausted' });
    fixture.replica.db.failBefore.set('order.get', [overloaded]);

    const order = await fixture.create({}, callOptions(30));

    expect(order).to.include({ state: 'PENDING' });
    gate.open();
    expect((await fixture.finishedTimeline(order.id)).at(-1)).to.equal('CONFIRM → CONFIRMED');
  });

  it('does not stop the saga of the order when the call is cancelled', async () => {
    const cancel = new AbortController();
    const call = fixture.create({}, callOptions(20_000, cancel.signal));
    await gate.reached;
    cancel.abort(new Error('cancelled by the client'));
    const { id } = await call;

    gate.open();

    expect((await fixture.finishedTimeline(id)).at(-1)).to.equal('CONFIRM → CONFIRMED');
  });

  it('accepts no order when the call is cancelled before', async () => {
    const signal = AbortSignal.abort(
      new AppError({ reason: 'CANCELLED', message: 'cancelled by the client' }),
    );

    const call = fixture.create({}, { deadline: Infinity, signal });

    expect(await call.catch((error: unknown) => error)).to.include({ reason: 'CANCELLED' });
    expect(fixture.replica.statements).not.to.include('order.accept');
  });

  it('continues to wait when other calls with the same request are cancelled or reach their deadline', async () => {
    const request = { requestId: 'repeated' };
    const cancel = new AbortController();
    const first = fixture.create(request);
    await gate.reached;
    const options = callOptions(20_000, cancel.signal);
    const cancelled = fixture.create(request, { ...options, onWait: () => cancel.abort() });
    const late = fixture.create(request, callOptions(300));

    expect((await cancelled).state).to.equal('PENDING');
    expect((await late).state).to.equal('PENDING');
    gate.open();
    expect((await first).state).to.equal('CONFIRMED');
  });

  it('returns the order as CANCELLING when the deadline passes during a cancellation', async () => {
    gate.open();
    const { id } = await fixture.create();
    const refund = new Gate();
    fixture.ports.faults.set('REFUND_PAYMENT', refund.beforeEffect());

    const order = await fixture.cancel(id, fixture.orders, callOptions(30));
    expect(order.state).to.equal('CANCELLING');

    refund.open();
    expect((await fixture.finishedTimeline(id)).at(-1)).to.equal('CANCEL → CANCELLED');
  });

  it('returns the terminal order when the saga fails after the terminal state is stored', async () => {
    gate.open();
    fixture.replica.db.failAfter.set('saga.record', [new Error('connection lost')]);

    const order = await fixture.create();

    expect(order.state).to.equal('CONFIRMED');
  });
});
