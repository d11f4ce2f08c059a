import { expect } from 'chai';
import { OrderState, RejectionReason, type Order } from '../../../pkg/pb/order/v1/order.js';
import { PaymentState, PaymentView, type Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { StockView } from '../../../pkg/pb/inventory/v1/inventory.js';
import { waitFor } from '../../support/wait-for.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { startSystem, type System } from '../../support/system.js';

/** Stocks five units of a product, and orders one. */
async function buyOne(
  system: System,
  { sku, paymentMethod }: { readonly sku: string; readonly paymentMethod: string },
): Promise<Order> {
  await system.stock({ sku, quantity: 5n });
  const items = [{ sku, quantity: 1n }];
  const request = { requestId: uuidv7(), customerId: 'ada', items, paymentMethod };
  const { order } = await system.order.createOrder(request, { timeoutMs: 3000 });
  return order as Order;
}

describe('an order whose gateway answers later or refuses', () => {
  let system: System;

  before(async () => {
    system = await startSystem({
      env: { PAYMENT_ACTION_DELAY: '500ms', PAYMENT_ACTION_TIMEOUT: '1s' },
    });
  });
  after(() => system.close());

  const buy = (sku: string, paymentMethod: string): Promise<Order> => buyOne(system, { sku, paymentMethod });
  const read = async ({ orderId }: Order): Promise<Order> =>
    (await system.order.getOrder({ orderId, customerId: '' })).order as Order;
  const until = ({ orderId }: Order, isReached: (order: Order) => boolean, label: string): Promise<Order> =>
    waitFor(
      async () => {
        const order = await read({ orderId } as Order);
        return isReached(order) ? order : undefined;
      },
      label,
      { timeoutMs: 25_000, intervalMs: 50 },
    );
  const isTerminal = ({ state }: Order): boolean =>
    state !== OrderState.PENDING && state !== OrderState.CANCELLING;
  const paymentOf = async ({ paymentId }: Order): Promise<Payment> =>
    (await system.payment.getPayment({ paymentId, view: PaymentView.AUDIT })).payment as Payment;
  const expectAllStockReturned = async (sku: string): Promise<void> => {
    const { stock } = await system.inventory.getStock({ sku, view: StockView.BASIC });
    expect(stock).to.include({ onHand: 5n, reserved: 0n });
  };

  const cases = {
    pm_authorize_pending: { state: 'CONFIRMED', payment: 'CAPTURED' },
    pm_action_required: { state: 'CONFIRMED', payment: 'CAPTURED' },
    pm_action_expires: { state: 'REJECTED', reason: 'PAYMENT_ACTION_EXPIRED', payment: 'EXPIRED' },
    pm_authorization_expires: { state: 'REJECTED', reason: 'AUTHORIZATION_EXPIRED', payment: 'EXPIRED' },
    pm_capture_declined: { state: 'REJECTED', reason: 'CAPTURE_DECLINED', payment: 'VOIDED' },
  } as const;
  for (const [method, expected] of Object.entries(cases)) {
    const outcome = 'reason' in expected ? `${expected.state} with ${expected.reason}` : expected.state;
    it(`is ${outcome} with ${method}`, async () => {
      const order = await until(await buy(method, method), isTerminal, 'end of the order');
      expect(OrderState[order.state]).to.equal(expected.state);
      if ('reason' in expected) {
        expect(RejectionReason[order.rejection?.reason ?? 0]).to.equal(expected.reason);
        await expectAllStockReturned(method);
      }
      expect(PaymentState[(await paymentOf(order)).state]).to.equal(expected.payment);
    });
  }

  it('shows the action of the customer while the payment waits', async () => {
    const order = await buy('pm_action_shown', 'pm_action_required');
    expect(OrderState[order.state]).to.equal('PENDING');
    expect(order.paymentAction?.url).to.contain(order.paymentId);
    expect((await until(order, isTerminal, 'end of the order')).paymentAction).to.equal(undefined);
  });

  it('is CANCELLED only when a pending refund has returned the money', async () => {
    const order = await buy('refund-pending', 'pm_refund_pending');
    const cancel = { requestId: uuidv7(), orderId: order.orderId, customerId: '', reason: 'changed my mind' };
    await system.order.cancelOrder(cancel, { timeoutMs: 3000 }).catch(() => undefined);
    const cancelled = await until(order, isTerminal, 'end of the order');
    expect(OrderState[cancelled.state]).to.equal('CANCELLED');
    const payment = await paymentOf(order);
    expect(PaymentState[payment.state]).to.equal('REFUNDED');
    expect(payment.audit?.refundedAmount).to.deep.equal(payment.capturedAmount);
  });

  it('stays CANCELLING and is shown as blocked if the gateway declines the refund', async () => {
    const order = await buy('refund-declined', 'pm_refund_declined');
    const cancel = { requestId: uuidv7(), orderId: order.orderId, customerId: '', reason: 'changed my mind' };
    await system.order.cancelOrder(cancel, { timeoutMs: 3000 }).catch(() => undefined);
    const blocked = await until(order, ({ blockedReason }) => blockedReason !== '', 'block of the order');
    expect(OrderState[blocked.state]).to.equal('CANCELLING');
    expect(blocked.blockedReason).to.equal('REFUND_DECLINED');
  });
});

describe('an order whose reservation is shorter than the time that its customer has', () => {
  let system: System;

  before(async () => {
    system = await startSystem({
      env: { RESERVATION_TTL: '3s', PAYMENT_ACTION_DELAY: '500ms', PAYMENT_ACTION_TIMEOUT: '10m' },
    });
  });
  after(() => system.close());

  const buy = (paymentMethod: string): Promise<Order> =>
    buyOne(system, { sku: paymentMethod, paymentMethod });
  const finished = (orderId: string): Promise<Order> =>
    waitFor(async () => {
      const { order } = await system.order.getOrder({ orderId, customerId: '' });
      return order && order.state !== OrderState.PENDING ? order : undefined;
    }, 'end of the order');

  it('is due before the reservation expires, and then voids the payment and releases the stock', async () => {
    const { orderId, paymentAction, reservationId, paymentId } = await buy('pm_action_expires');
    const { reservation } = await system.inventory.getReservation({ reservationId });
    const expiry = reservation?.expireTime?.getTime() ?? 0;
    expect(paymentAction?.dueTime?.getTime()).to.equal(expiry - 300);

    const order = await finished(orderId);
    expect(RejectionReason[order.rejection?.reason ?? 0]).to.equal('PAYMENT_ACTION_EXPIRED');
    const { payment } = await system.payment.getPayment({ paymentId, view: PaymentView.AUDIT });
    expect(PaymentState[payment?.state ?? 0]).to.equal('VOIDED');
    const { stock } = await system.inventory.getStock({ sku: 'pm_action_expires', view: StockView.BASIC });
    expect(stock).to.include({ onHand: 5n, reserved: 0n });
  });

  it('is CONFIRMED from its reservation when the customer acts in time', async () => {
    const { orderId, reservationId } = await buy('pm_action_required');
    expect(OrderState[(await finished(orderId)).state]).to.equal('CONFIRMED');
    const { reservation } = await system.inventory.getReservation({ reservationId });
    const { updateTime, expireTime } = reservation ?? {};
    expect(updateTime?.getTime()).to.be.lessThan(expireTime?.getTime() ?? 0);
  });
});
