import { expect } from 'chai';
import type { Cancellation } from '../../../pkg/order/domain.js';
import { Gate, refusing } from '../../../pkg/order/testing/faults.js';
import { expectReason } from '../../support/expect-reason.js';
import { waitFor } from '../../support/wait-for.js';
import { pause, uuidv7 } from '../../../pkg/runtime/index.js';
import { useOrders } from '../../support/order/fixture.js';
import { callOptions } from '../../support/order/replica.js';

describe('CancelOrder', () => {
  const fixture = useOrders();

  const aCancellation = (orderId: string, overrides: Partial<Cancellation> = {}): Cancellation => ({
    requestId: uuidv7(),
    orderId,
    customerId: 'ada',
    reason: 'changed my mind',
    ...overrides,
  });
  const isCancellation = (line: string): boolean => line.startsWith('REQUEST_CANCELLATION');

  it('refunds the payment and returns the stock of a CONFIRMED order', async () => {
    const { id, revision } = await fixture.create();

    const order = await fixture.orders.cancelOrder(aCancellation(id), callOptions());

    expect(order).to.include({ id, state: 'CANCELLED', rejection: undefined });
    expect((await fixture.finishedTimeline(id)).slice(revision)).to.deep.equal([
      'REQUEST_CANCELLATION → CANCELLING',
      'REFUND_PAYMENT',
      'RELEASE_STOCK',
      'CANCEL → CANCELLED',
    ]);
    const timeline = await fixture.orders.getTimeline(id, 'ada');
    expect(timeline[revision]?.detail).to.equal('changed my mind');
    expect(await fixture.orders.getOrder(id, 'ada')).to.deep.equal(order);
  });

  it('does not change a CANCELLED order', async () => {
    const { id } = await fixture.create();
    const order = await fixture.orders.cancelOrder(aCancellation(id), callOptions());

    expect(await fixture.orders.cancelOrder(aCancellation(id), callOptions())).to.deep.equal(order);
    expect((await fixture.finishedTimeline(id)).filter(isCancellation)).to.have.lengthOf(1);
  });

  it('fails for a REJECTED order, even when the request is repeated', async () => {
    fixture.ports.faults.set('RESERVE_STOCK', refusing({ reason: 'OUT_OF_STOCK' }));
    const order = await fixture.create();
    const cancellation = aCancellation(order.id);

    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const call = fixture.orders.cancelOrder(cancellation, callOptions());
      const error = await expectReason(call, 'ILLEGAL_TRANSITION');
      expect(error.metadata).to.deep.equal({ order_id: order.id, state: 'REJECTED' });
      expect(error.preconditions.map(({ subject }) => subject)).to.deep.equal([order.id]);
    }
    expect(await fixture.orders.getOrder(order.id, '')).to.deep.equal(order);
  });

  it('fails for an unknown order, and for an order of another customer', async () => {
    const order = await fixture.create();

    for (const cancellation of [aCancellation(order.id, { customerId: 'bob' }), aCancellation(uuidv7())])
      await expectReason(fixture.orders.cancelOrder(cancellation, callOptions()), 'ORDER_NOT_FOUND');

    expect(await fixture.orders.getOrder(order.id, '')).to.deep.equal(order);
  });

  describe('with a request id', () => {
    it('executes repeated requests once, with equal responses on every replica', async () => {
      const otherReplica = await fixture.start();
      const { id } = await fixture.create();
      const gate = new Gate();
      fixture.ports.faults.set('REFUND_PAYMENT', gate.beforeEffect());
      const cancellation = aCancellation(id);
      const calls = [fixture, otherReplica, fixture, otherReplica].map(({ orders }) =>
        orders.cancelOrder(cancellation, callOptions()),
      );
      await gate.reached;
      gate.open();

      const [first, ...repeated] = await Promise.all(calls);
      for (const order of repeated) expect(order).to.deep.equal(first);
      expect(await otherReplica.orders.cancelOrder(cancellation, callOptions())).to.deep.equal(first);
      expect(fixture.ports.stepsOf(id).filter((step) => step === 'REFUND_PAYMENT')).to.have.lengthOf(1);
      expect((await fixture.finishedTimeline(id)).filter(isCancellation)).to.have.lengthOf(1);
    });

    it('rejects another cancellation with a used request id', async () => {
      const { id } = await fixture.create();
      const otherOrder = await fixture.create();
      const cancellation = aCancellation(id);
      await fixture.orders.cancelOrder(cancellation, callOptions());

      for (const changed of [{ reason: 'another' }, { orderId: otherOrder.id }])
        await expectReason(
          fixture.orders.cancelOrder({ ...cancellation, ...changed }, callOptions()),
          'REQUEST_ID_REUSED',
        );

      expect(await fixture.orders.getOrder(otherOrder.id, '')).to.include({ state: 'CONFIRMED' });
    });

    it('accepts a request id that another customer or CreateOrder has used', async () => {
      const requestId = uuidv7();
      const adaOrder = await fixture.create({ requestId });
      const bobOrder = await fixture.create({ requestId, customerId: 'bob' });

      for (const { id, customerId } of [adaOrder, bobOrder]) {
        const order = await fixture.orders.cancelOrder(
          aCancellation(id, { requestId, customerId }),
          callOptions(),
        );
        expect(order).to.include({ id, state: 'CANCELLED' });
      }
    });
  });

  it('cancels each order once when cancellations race with the saga and with each other', async () => {
    const otherReplica = await fixture.start();
    const gate = new Gate();
    fixture.ports.faults.set('CAPTURE_PAYMENT', gate.beforeEffect());
    const orders = await Promise.all(Array.from({ length: 12 }, () => fixture.accept()));
    await waitFor(() => fixture.ports.calls.length === 12 * 4, 'capture call of every order');

    gate.open();
    await Promise.all(
      orders.map(async ({ id }, index) => {
        // The delays spread the cancellations over the capture, the commit of the terminal state, and the time after the commit.
        await pause(index * 2);
        const racingReplicas = [fixture, otherReplica, fixture, otherReplica];
        const cancelled = await Promise.all(
          racingReplicas.map(({ orders: service }) => service.cancelOrder(aCancellation(id), callOptions())),
        );
        expect(cancelled.map(({ state }) => state)).to.deep.equal(Array(4).fill('CANCELLED'));
        expect((await fixture.finishedTimeline(id)).filter(isCancellation)).to.have.lengthOf(1);
      }),
    );
  });
});
