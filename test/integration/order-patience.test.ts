import { expect } from 'chai';
import { AppError } from '../../pkg/errors/index.js';
import { Gate } from '../../pkg/order/testing/faults.js';
import { useOrders } from './order-bench.js';
import { patience } from './order-replica.js';

describe('a caller', () => {
  const bench = useOrders();
  let gate: Gate;

  beforeEach(() => {
    gate = new Gate();
    bench.ports.faults.set('CAPTURE_PAYMENT', gate.before());
  });
  afterEach(() => gate.open());

  it('whose deadline comes first is told PENDING, and the order goes on to be confirmed', async () => {
    const order = await bench.create({}, patience(30));
    expect(order).to.include({ state: 'PENDING' });

    gate.open();

    expect((await bench.storyOf(order.id)).at(-1)).to.equal('CONFIRM → CONFIRMED');
  });

  it('is not told that nothing was done when the last look at the accepted order fails', async () => {
    const overloaded = new AppError({ reason: 'OVERLOADED', message: 'too many calls wait' });
    bench.replica.db.refuse.set('order.get', [overloaded]);

    const order = await bench.create({}, patience(30));

    expect(order).to.include({ state: 'PENDING' });
    gate.open();
    expect((await bench.storyOf(order.id)).at(-1)).to.equal('CONFIRM → CONFIRMED');
  });

  it('who hangs up cancels nothing', async () => {
    const hangUp = new AbortController();
    const call = bench.create({}, patience(20_000, hangUp.signal));
    await gate.reached;
    hangUp.abort(new Error('the caller hung up'));
    const { id } = await call;

    gate.open();

    expect((await bench.storyOf(id)).at(-1)).to.equal('CONFIRM → CONFIRMED');
  });

  it('who has hung up before the order is accepted is not waited for', async () => {
    const order = await bench.create({}, { deadline: Infinity, signal: AbortSignal.abort() });

    expect(order.state).to.equal('PENDING');
  });

  it('who repeats a request and hangs up, or runs out of time, stops nobody else', async () => {
    const request = { requestId: 'the-same' };
    const hangUp = new AbortController();
    const first = bench.create(request);
    await gate.reached;
    const leaving = bench.create(request, patience(20_000, hangUp.signal));
    const late = bench.create(request, patience(30));
    hangUp.abort();

    expect((await leaving).state).to.equal('PENDING');
    expect((await late).state).to.equal('PENDING');
    gate.open();
    expect((await first).state).to.equal('CONFIRMED');
  });

  it('whose deadline comes before the end of a cancellation is told CANCELLING', async () => {
    gate.open();
    const { id } = await bench.create();
    const refund = new Gate();
    bench.ports.faults.set('REFUND_PAYMENT', refund.before());

    const order = await bench.cancel(id, bench.orders, patience(30));
    expect(order.state).to.equal('CANCELLING');

    refund.open();
    expect((await bench.storyOf(id)).at(-1)).to.equal('CANCEL → CANCELLED');
  });

  it('is told how the order stands even when its saga has failed meanwhile', async () => {
    gate.open();
    bench.replica.db.lose.set('saga.record', [new Error('connection lost')]);

    const order = await bench.create();

    expect(order.state).to.equal('CONFIRMED');
  });
});
