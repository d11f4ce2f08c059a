import { SpanKind, type Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { PaymentView } from '../../../pkg/pb/payment/v1/payment.js';
import type { Order } from '../../../pkg/pb/order/v1/order.js';
import { expectReason } from '../../support/expect-reason.js';
import { allOf } from '../../support/rpc/all-of.js';
import { inTrace, recentSpans } from '../../support/rpc/span-recorder.js';
import { waitFor } from '../../support/wait-for.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { startSystem, type System } from '../../support/system.js';

describe('the business attributes of a server span', () => {
  let system: System;

  before(async () => {
    system = await startSystem();
    await system.stock({ sku: 'mug', quantity: 100n });
    await system.stock({ sku: 'rare', quantity: 1n });
  });
  after(() => system.close());

  /** Runs `work` in a trace, and returns the business attributes of the server span of `method` in this trace. */
  async function attributesOf<T>(
    method: string,
    work: () => Promise<T>,
  ): Promise<{ result: T; attributes: Attributes }> {
    const { traceId, result } = await inTrace(work);
    const isMethodSpan = (span: ReadableSpan): boolean =>
      span.kind === SpanKind.SERVER &&
      span.name.endsWith(`/${method}`) &&
      span.spanContext().traceId === traceId;
    const found = await waitFor(() => recentSpans().find(isMethodSpan), `server span of ${method}`);
    const attributes = Object.entries(found.attributes).filter(([name]) =>
      /^(order|customer|payment|inventory|catalog)\./.test(name),
    );
    return { result, attributes: Object.fromEntries(attributes) };
  }

  async function buy(paymentMethod = 'pm_approve', sku = 'mug', quantity = 2n): Promise<Order> {
    const request = { requestId: uuidv7(), customerId: 'ada', items: [{ sku, quantity }], paymentMethod };
    const { order } = await system.order.createOrder(request);
    if (!order) throw new Error('the response has no order');
    return order;
  }

  it('include order, customer, amount, reservation and payment in CreateOrder', async () => {
    const { result, attributes } = await attributesOf('CreateOrder', () => buy());
    expect(attributes).to.deep.equal({
      'order.id': result.orderId,
      'order.state': 'CONFIRMED',
      'order.total_minor': 800,
      'order.currency': 'USD',
      'customer.id': 'ada',
      'inventory.reservation_id': result.reservationId,
      'payment.id': result.paymentId,
    });
  });

  it('include the reservation in ReserveStock, and order and payment in CapturePayment', async () => {
    const reserved = await attributesOf('ReserveStock', () => buy());
    expect(reserved.attributes).to.deep.equal({
      'inventory.reservation_id': reserved.result.reservationId,
      'inventory.reservation_state': 'RESERVED',
    });
    const captured = await attributesOf('CapturePayment', () => buy());
    expect(captured.attributes).to.deep.equal({
      'order.id': captured.result.orderId,
      'payment.id': captured.result.paymentId,
      'payment.state': 'CAPTURED',
      'payment.amount_minor': 800,
      'payment.currency': 'USD',
    });
  });

  it('include the reason of a rejected order and the code of a declined payment', async () => {
    const { attributes } = await attributesOf('CreateOrder', () => buy('pm_decline_card_expired'));
    expect(attributes).to.include({
      'order.state': 'REJECTED',
      'order.rejection_reason': 'PAYMENT_DECLINED',
    });
    const declined = await attributesOf('AuthorizePayment', () => buy('pm_decline_card_expired'));
    expect(declined.attributes).to.deep.equal({
      'order.id': declined.result.orderId,
      'payment.id': declined.result.paymentId,
      'payment.state': 'DECLINED',
      'payment.decline_code': 'CARD_EXPIRED',
      'payment.amount_minor': 800,
      'payment.currency': 'USD',
    });
  });

  it('include the ids of the request, even when the call fails', async () => {
    const orderId = uuidv7();
    const ref = { orderId, customerId: 'ada' };
    const paymentId = uuidv7();
    const calls: [string, () => Promise<unknown>, Attributes][] = [
      ['GetOrder', () => system.order.getOrder(ref), { 'order.id': orderId, 'customer.id': 'ada' }],
      [
        'CancelOrder',
        () => system.order.cancelOrder({ ...ref, requestId: '', reason: '' }),
        { 'order.id': orderId, 'customer.id': 'ada' },
      ],
      [
        'GetPayment',
        () => system.payment.getPayment({ paymentId, view: PaymentView.BASIC }),
        { 'payment.id': paymentId },
      ],
      [
        'CommitReservation',
        () => system.inventory.commitReservation({ reservationId: orderId }),
        { 'inventory.reservation_id': orderId },
      ],
      ['GetProduct', () => system.catalog.getProduct({ sku: 'none' }), { 'catalog.sku': 'none' }],
    ];
    for (const [method, call, expected] of calls) {
      const { attributes } = await attributesOf(method, () => call().catch(() => undefined));
      expect(attributes, method).to.deep.equal(expected);
    }
    const reserved = await attributesOf('ReserveStock', () => buy('pm_approve', 'rare'));
    expect(reserved.attributes).to.deep.equal({ 'inventory.reservation_id': reserved.result.reservationId });
  });

  it('include the order and its last state in WatchOrder', async () => {
    const { orderId } = await buy();
    const watch = { orderId, customerId: 'ada', afterRevision: 0 };
    const { attributes } = await attributesOf('WatchOrder', () => allOf(system.order.watchOrder(watch)));
    expect(attributes).to.deep.equal({
      'order.id': orderId,
      'order.state': 'CONFIRMED',
      'customer.id': 'ada',
    });
    const unknown = { ...watch, orderId: uuidv7() };
    const rejected = await attributesOf('WatchOrder', () =>
      expectReason(allOf(system.order.watchOrder(unknown)), 'ORDER_NOT_FOUND'),
    );
    expect(rejected.attributes).to.deep.equal({ 'order.id': unknown.orderId, 'customer.id': 'ada' });
  });
});
