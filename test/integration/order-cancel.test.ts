import { expect } from 'chai';
import type { Cancellation } from '../../pkg/order/cancel-order.js';
import { Gate, refusing } from '../../pkg/order/testing/faults.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { pause, uuidv7 } from '../../pkg/runtime/index.js';
import { useOrders } from './order-bench.js';
import { patience } from './order-replica.js';

describe('a cancellation', () => {
  const bench = useOrders();

  const of = (orderId: string, given: Partial<Cancellation> = {}): Cancellation => ({
    requestId: uuidv7(),
    orderId,
    customerId: 'ada',
    reason: 'changed my mind',
    ...given,
  });
  const isRequest = (line: string): boolean => line.startsWith('REQUEST_CANCELLATION');

  it('of a confirmed order refunds the money and returns the stock', async () => {
    const { id, revision } = await bench.create();

    const order = await bench.orders.cancelOrder(of(id), patience());

    expect(order).to.include({ id, state: 'CANCELLED', rejection: undefined });
    expect((await bench.storyOf(id)).slice(revision)).to.deep.equal([
      'REQUEST_CANCELLATION → CANCELLING',
      'REFUND_PAYMENT',
      'RELEASE_STOCK',
      'CANCEL → CANCELLED',
    ]);
    const timeline = await bench.orders.getTimeline(id, 'ada');
    expect(timeline[revision]?.detail).to.equal('changed my mind');
    expect(await bench.orders.getOrder(id, 'ada')).to.deep.equal(order);
  });

  it('of a cancelled order changes nothing', async () => {
    const { id } = await bench.create();
    const order = await bench.orders.cancelOrder(of(id), patience());

    expect(await bench.orders.cancelOrder(of(id), patience())).to.deep.equal(order);
    expect((await bench.storyOf(id)).filter(isRequest)).to.have.lengthOf(1);
  });

  it('of a rejected order is refused, also when it is repeated', async () => {
    bench.ports.faults.set('RESERVE_STOCK', refusing({ reason: 'OUT_OF_STOCK' }));
    const order = await bench.create();
    const cancellation = of(order.id);

    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const refused = bench.orders.cancelOrder(cancellation, patience());
      const error = await expectReason(refused, 'ILLEGAL_TRANSITION');
      expect(error.metadata).to.deep.equal({ order_id: order.id, state: 'REJECTED' });
      expect(error.preconditions.map(({ subject }) => subject)).to.deep.equal([order.id]);
    }
    expect(await bench.orders.getOrder(order.id, '')).to.deep.equal(order);
  });

  it("of somebody else's order, or of none, finds nothing", async () => {
    const order = await bench.create();

    for (const cancellation of [of(order.id, { customerId: 'bob' }), of(uuidv7())])
      await expectReason(bench.orders.cancelOrder(cancellation, patience()), 'ORDER_NOT_FOUND');

    expect(await bench.orders.getOrder(order.id, '')).to.deep.equal(order);
  });

  describe('by request id', () => {
    it('is done once and answered alike, on every replica and while it still runs', async () => {
      const another = await bench.start();
      const { id } = await bench.create();
      const gate = new Gate();
      bench.ports.faults.set('REFUND_PAYMENT', gate.before());
      const cancellation = of(id);
      const calls = [bench, another, bench, another].map(({ orders }) =>
        orders.cancelOrder(cancellation, patience()),
      );
      await gate.reached;
      gate.open();

      const [first, ...others] = await Promise.all(calls);
      for (const other of others) expect(other).to.deep.equal(first);
      expect(await another.orders.cancelOrder(cancellation, patience())).to.deep.equal(first);
      expect(bench.ports.stepsOf(id).filter((step) => step === 'REFUND_PAYMENT')).to.have.lengthOf(1);
      expect((await bench.storyOf(id)).filter(isRequest)).to.have.lengthOf(1);
    });

    it('cannot mean something else later', async () => {
      const { id } = await bench.create();
      const other = await bench.create();
      const cancellation = of(id);
      await bench.orders.cancelOrder(cancellation, patience());

      for (const changed of [{ reason: 'another' }, { orderId: other.id }])
        await expectReason(
          bench.orders.cancelOrder({ ...cancellation, ...changed }, patience()),
          'REQUEST_ID_REUSED',
        );

      expect(await bench.orders.getOrder(other.id, '')).to.include({ state: 'CONFIRMED' });
    });

    it("is independent of other customers' and of those of orders", async () => {
      const requestId = uuidv7();
      const ofAda = await bench.create({ requestId });
      const ofBob = await bench.create({ requestId, customerId: 'bob' });

      for (const { id, customerId } of [ofAda, ofBob]) {
        const order = await bench.orders.cancelOrder(of(id, { requestId, customerId }), patience());
        expect(order).to.include({ id, state: 'CANCELLED' });
      }
    });
  });

  it('races the end of the saga and other cancellations to one end', async () => {
    const another = await bench.start();
    const gate = new Gate();
    bench.ports.faults.set('CAPTURE_PAYMENT', gate.before());
    const orders = await Promise.all(Array.from({ length: 12 }, () => bench.accept()));
    await waitFor(() => bench.ports.calls.length === 12 * 4, 'all to be at their last step');

    gate.open();
    await Promise.all(
      orders.map(async ({ id }, index) => {
        // Some come while the money is taken, some while the end is stored, some after it.
        await pause(index * 2);
        const rivals = [bench, another, bench, another];
        const cancelled = await Promise.all(
          rivals.map((rival) => rival.orders.cancelOrder(of(id), patience())),
        );
        expect(cancelled.map(({ state }) => state)).to.deep.equal(Array(4).fill('CANCELLED'));
        expect((await bench.storyOf(id)).filter(isRequest)).to.have.lengthOf(1);
      }),
    );
  });
});
