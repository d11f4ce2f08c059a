import { expect } from 'chai';
import { OrderState, RejectionReason, type Order } from '../../../pkg/pb/order/v1/order.js';
import { PaymentView } from '../../../pkg/pb/payment/v1/payment.js';
import { StockView } from '../../../pkg/pb/inventory/v1/inventory.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { startSystem, type System } from '../../support/system.js';

const { CONFIRMED, REJECTED, CANCELLED, CANCELLING, PENDING } = OrderState;

const unit = { currencyCode: 'USD', units: 4n, nanos: 0 };
const nothing = { ...unit, units: 0n };

describe('an order whose gateway answers late or changes its mind', () => {
  let system: System;
  before(async () => {
    const env = {
      PAYMENT_ACTION_DELAY: '500ms',
      PAYMENT_ACTION_TIMEOUT: '1500ms',
      REFUND_RESOLVE_INTERVAL: '100ms',
    };
    system = await startSystem({ replicas: 2, env });
  });
  after(() => system.close());

  const buy = async (sku: string, paymentMethod: string): Promise<Order> => {
    await system.stock({ sku, quantity: 1n });
    const items = [{ sku, quantity: 1n }];
    const request = { requestId: uuidv7(), customerId: 'ada', items, paymentMethod };
    const { order } = await system.order.createOrder(request);
    return order as Order;
  };
  const current = async ({ orderId }: Order): Promise<Order> =>
    (await system.order.getOrder({ orderId, customerId: '' })).order as Order;
  const untilTerminal = async (order: Order): Promise<Order> => {
    const { orderId } = order;
    for await (const entry of system.order.watchOrder({ orderId, customerId: '', afterRevision: 0 }))
      void entry;
    return current(order);
  };
  const cancel = async ({ orderId }: Order): Promise<Order> => {
    const request = { requestId: uuidv7(), orderId, customerId: 'ada', reason: '' };
    return (await system.order.cancelOrder(request)).order as Order;
  };
  /** Refunds one of four dollars as an operator. The answer is in doubt while the refund is pending. */
  const refundPart = async ({ paymentId }: Order): Promise<void> => {
    const request = { requestId: uuidv7(), paymentId, amount: { ...unit, units: 1n } };
    await expectReason(system.payment.refundPayment(request), 'PAYMENT_IN_DOUBT');
  };
  /** Asserts the stock and the money of an order of one unit, at the service and at the gateway. */
  const expectEffects = async (sku: string, { paymentId }: Order, { isPaid = false } = {}): Promise<void> => {
    const { stock } = await system.inventory.getStock({ sku, view: StockView.AUDIT });
    expect(stock).to.deep.include({ onHand: isPaid ? 0n : 1n, reserved: 0n });
    const { payment } = await system.payment.getPayment({ paymentId, view: PaymentView.AUDIT });
    const [captured, refunded] = [payment?.capturedAmount ?? nothing, payment?.refundedAmount ?? nothing];
    expect(captured.units - refunded.units).to.equal(isPaid ? unit.units : 0n);
    expect(payment?.audit).to.deep.include({ capturedAmount: captured, refundedAmount: refunded });
  };

  const rejections: Record<string, object> = {
    pm_authorization_expires: { reason: RejectionReason.AUTHORIZATION_EXPIRED, declineCode: '' },
    pm_capture_declined: { reason: RejectionReason.CAPTURE_DECLINED, declineCode: 'DO_NOT_HONOR' },
  };
  for (const [method, rejection] of Object.entries(rejections))
    it(`is REJECTED with the reason, without stock and money, when it is paid with ${method}`, async () => {
      const order = await buy(method, method);

      expect(order.state).to.equal(REJECTED);
      expect(order.rejection).to.deep.include(rejection);
      await expectEffects(method, order);
    });

  it('is CONFIRMED when the gateway approves later', async () => {
    const order = await buy('later', 'pm_authorize_pending');

    expect((await untilTerminal(order)).state).to.equal(CONFIRMED);
    await expectEffects('later', order, { isPaid: true });
  });

  it('is PENDING with an action, then CONFIRMED when the customer acts', async () => {
    const order = await buy('action', 'pm_action_required');

    expect(order).to.include({ state: PENDING });
    expect(order.paymentAction?.url).to.match(/^https:/);
    const confirmed = await untilTerminal(order);
    expect(confirmed).to.include({ state: CONFIRMED, paymentAction: undefined });
    await expectEffects('action', order, { isPaid: true });
  });

  it('is PENDING with an action, then REJECTED when the customer does not act in time', async () => {
    const order = await buy('expiring', 'pm_action_expires');

    expect(order.paymentAction?.dueTime).to.be.an.instanceOf(Date);
    const rejected = await untilTerminal(order);
    expect(rejected.state).to.equal(REJECTED);
    expect(rejected.rejection).to.include({ reason: RejectionReason.PAYMENT_ACTION_EXPIRED });
    await expectEffects('expiring', order);
  });

  it('is CANCELLED when a refund succeeds later', async () => {
    const order = await buy('refund-later', 'pm_refund_pending');

    await cancel(order);

    expect((await untilTerminal(order)).state).to.equal(CANCELLED);
    await expectEffects('refund-later', order);
  });

  it('is CANCELLED with all money returned when a partial refund by an operator is still pending', async () => {
    const order = await buy('refund-part', 'pm_refund_pending');
    await refundPart(order);

    await cancel(order);

    expect((await untilTerminal(order)).state).to.equal(CANCELLED);
    await expectEffects('refund-part', order);
  });

  it('is not CANCELLED when the pending refunds of an operator and of the saga are declined', async () => {
    const order = await buy('refund-part-declined', 'pm_refund_pending_declined');
    await refundPart(order);

    expect(await cancel(order)).to.include({ state: CANCELLING, blockedReason: 'REFUND_DECLINED' });
  });

  for (const method of ['pm_refund_declined', 'pm_refund_pending_declined'])
    it(`is blocked when its refund is declined (${method})`, async () => {
      const order = await buy(method, method);

      const cancelling = await cancel(order);

      expect(cancelling).to.include({ state: CANCELLING, blockedReason: 'REFUND_DECLINED' });
      expect(cancelling.blockedSince).to.be.an.instanceOf(Date);
    });
});
