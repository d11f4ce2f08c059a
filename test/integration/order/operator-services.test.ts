import { expect } from 'chai';
import { OrderState, SagaStep, StepOutcome, type Order } from '../../../pkg/pb/order/v1/order.js';
import { PaymentView, type Payment } from '../../../pkg/pb/payment/v1/payment.js';
import type { Money } from '../../../pkg/pb/google/type/money.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { repeatInDoubt } from '../payment/requests.js';
import { startSystem, type System } from '../../support/system.js';
import { waitFor } from '../../support/wait-for.js';

const createFault = sql(
  'test.reject_refund_records',
  `create function reject_records() returns trigger language plpgsql as '
   begin raise exception ''rejected by the test'' using errcode = ''57P01''; end '`,
);
const enableFault = sql(
  'test.enable_refund_fault',
  `create trigger reject_records before update on order_refunds
   for each row when (new.state = 'SUCCEEDED') execute function reject_records()`,
);
const disableFault = sql(
  'test.disable_refund_fault',
  'drop trigger if exists reject_records on order_refunds',
);

const usd = (units: bigint): Money => ({ currencyCode: 'USD', units, nanos: 0 });

describe('operators with the four services', () => {
  let system: System;

  before(async () => {
    system = await startSystem({ replicas: 2, env: { REFUND_RESOLVE_INTERVAL: '100ms' } });
    await system.stock({ sku: 'mug', quantity: 1000n });
    await system.databases.order.query(createFault());
  });
  afterEach(() => system.databases.order.query(disableFault()));
  after(() => system.close());

  const buy = async (paymentMethod = 'pm_approve'): Promise<Order> => {
    const items = [{ sku: 'mug', quantity: 3n }];
    const request = { requestId: uuidv7(), customerId: 'ada', items, paymentMethod };
    const { order } = await system.order.createOrder(request);
    expect(order?.state).to.equal(OrderState.CONFIRMED);
    return order as Order;
  };
  const refunding = ({ orderId }: Order, units = 5n) => ({
    requestId: uuidv7(),
    orderId,
    amount: usd(units),
    actor: 'grace',
    reason: 'one mug was broken',
  });
  const paymentOf = async ({ paymentId }: Order): Promise<Payment> => {
    const { payment } = await system.payment.getPayment({ paymentId, view: PaymentView.AUDIT });
    return payment as Payment;
  };
  const orderOf = async ({ orderId }: Order): Promise<Order> =>
    (await system.order.getOrder({ orderId, customerId: '' })).order as Order;
  const untilRefunded = (order: Order, units: bigint): Promise<unknown> =>
    waitFor(async () => (await orderOf(order)).refundedAmount?.units === units, 'refunded amount');
  const cancel = async ({ orderId }: Order, timeoutMs = 60_000): Promise<Order> => {
    const request = { requestId: uuidv7(), orderId, customerId: '', reason: 'fraud', actor: 'grace' };
    return (await system.order.cancelOrder(request, { timeoutMs })).order as Order;
  };
  /** Cancels an order whose compensation does not end by itself. */
  const beginCancel = (order: Order): Promise<unknown> => cancel(order, 1000).catch(() => undefined);
  const action = ({ orderId }: Order) => ({ orderId, actor: 'grace', reason: 'bank transfer 4711' });
  /** Waits until an order is blocked later than `before`. */
  const untilBlocked = (order: Order, before = new Date(0)): Promise<Order> =>
    waitFor(async () => {
      const current = await orderOf(order);
      return (current.blockedSince ?? new Date(0)) > before && current;
    }, 'blocked order');
  const untilCancelled = (order: Order): Promise<unknown> =>
    waitFor(async () => (await orderOf(order)).state === OrderState.CANCELLED, 'cancelled order');
  const refundEntriesOf = async ({ orderId }: Order) => {
    const { entries } = await system.order.getOrderTimeline({ orderId, customerId: '' });
    return entries.filter(({ step }) => step === SagaStep.REFUND_ORDER);
  };

  it('refund a part of an order at the gateway, once for equal concurrent requests', async () => {
    const bought = await buy();
    const request = refunding(bought);

    // One request asks the gateway. The others are in doubt until its answer is recorded.
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => repeatInDoubt(() => system.order.refundOrder(request))),
    );

    for (const { order } of answers) expect(order?.refundedAmount).to.deep.equal(usd(5n));
    const payment = await paymentOf(bought);
    expect(payment.refundedAmount).to.deep.equal(usd(5n));
    expect(payment.audit?.refundedAmount).to.deep.equal(usd(5n));
    const entries = await refundEntriesOf(bought);
    expect(entries).to.have.lengthOf(1);
    expect(entries[0]).to.include({
      outcome: StepOutcome.SUCCEEDED,
      actor: 'grace',
      detail: '5.00 USD: one mug was broken',
    });
  });

  it('refund once when the record fails after the refund of the payment', async () => {
    const bought = await buy();
    const request = refunding(bought);
    await system.databases.order.query(enableFault());
    await expectReason(system.order.refundOrder(request), 'PAYMENT_IN_DOUBT');
    expect((await paymentOf(bought)).refundedAmount).to.deep.equal(usd(5n));
    const pending = await orderOf(bought);
    expect(pending.refundedAmount).to.equal(undefined);
    expect(pending.refundPendingAmount).to.deep.equal(usd(5n));
    await system.databases.order.query(disableFault());

    await untilRefunded(bought, 5n);

    expect((await system.order.refundOrder(request)).order?.refundedAmount).to.deep.equal(usd(5n));
    expect((await orderOf(bought)).refundPendingAmount).to.equal(undefined);
    expect((await paymentOf(bought)).audit?.refundedAmount).to.deep.equal(usd(5n));
    expect(await refundEntriesOf(bought)).to.have.lengthOf(1);
  });

  it('refund once when the gateway loses its answer', async () => {
    const bought = await buy('pm_refund_answer_lost');
    await expectReason(system.order.refundOrder(refunding(bought)), 'PAYMENT_IN_DOUBT');
    await untilRefunded(bought, 5n);
    expect((await paymentOf(bought)).audit?.refundedAmount).to.deep.equal(usd(5n));
  });

  it('refund no more than the captured amount with concurrent requests', async () => {
    const bought = await buy();
    const requests = Array.from({ length: 5 }, () => refunding(bought, 4n));
    const untilDecided = (request: (typeof requests)[number]): Promise<boolean> =>
      waitFor(
        () =>
          system.order.refundOrder(request).then(
            () => ({ refunded: true }),
            (error: { reason?: string }) =>
              error.reason === 'REFUND_EXCEEDS_CAPTURE' ? { refunded: false } : undefined,
          ),
        'decided refund',
      ).then(({ refunded }) => refunded);

    const decisions = await Promise.all(requests.map(untilDecided));

    expect(decisions.filter(Boolean)).to.have.lengthOf(3);
    expect((await orderOf(bought)).refundedAmount).to.deep.equal(usd(12n));
    expect((await paymentOf(bought)).refundedAmount).to.deep.equal(usd(12n));
  });

  for (const units of [5n, 12n])
    it(`cancel an order after a refund of ${units} of 12 USD, and return the rest`, async () => {
      const bought = await buy();
      await system.order.refundOrder(refunding(bought, units));
      expect((await cancel(bought)).state).to.equal(OrderState.CANCELLED);
      const { capturedAmount, refundedAmount } = await paymentOf(bought);
      expect(refundedAmount).to.deep.equal(capturedAmount);
      expect((await orderOf(bought)).refundedAmount).to.deep.equal(usd(units));
    });

  for (const paymentMethod of ['pm_approve', 'pm_refund_answer_lost', 'pm_refund_pending'])
    it(`cancel an order (${paymentMethod}) while refunds begin, and return the captured amount once`, async () => {
      const bought = await buy(paymentMethod);
      const request = refunding(bought);
      const refunds = [request, refunding(bought, 4n)].map((each) => system.order.refundOrder(each));

      const [cancelled] = await Promise.all([cancel(bought), Promise.allSettled(refunds)]);

      expect(cancelled.state).to.equal(OrderState.CANCELLED);
      const { capturedAmount, refundedAmount, audit } = await paymentOf(bought);
      expect(refundedAmount).to.deep.equal(capturedAmount);
      expect(audit?.refundedAmount).to.deep.equal(capturedAmount);
      // The answer of the refund is definite, at the latest after the resolver has run.
      await waitFor(
        () =>
          system.order.refundOrder(request).then(
            () => true,
            (error: { reason?: string }) => error.reason !== 'PAYMENT_IN_DOUBT',
          ),
        'definite answer',
      );
    });

  it('see a refund that the gateway decides later', async () => {
    const bought = await buy('pm_refund_pending');
    const request = refunding(bought);
    await expectReason(system.order.refundOrder(request), 'PAYMENT_IN_DOUBT');
    await untilRefunded(bought, 5n);
    expect((await system.order.refundOrder(request)).order?.refundedAmount).to.deep.equal(usd(5n));
  });

  it('see a refund that the gateway declines later, and a cancellation waits for that decision', async () => {
    const bought = await buy('pm_refund_pending_declined');
    const request = refunding(bought);
    await expectReason(system.order.refundOrder(request), 'PAYMENT_IN_DOUBT');
    const cancelling = beginCancel(bought);

    await waitFor(
      () =>
        system.order.refundOrder(request).then(
          () => false,
          (error: { reason?: string }) => error.reason === 'REFUND_DECLINED',
        ),
      'declined refund',
    );
    await cancelling;
    await untilBlocked(bought);

    await system.order.resolveOrder(action(bought));
    await untilCancelled(bought);
    const { capturedAmount, refundedAmount, externallyRefundedAmount } = await paymentOf(bought);
    expect(refundedAmount).to.deep.equal(capturedAmount);
    expect(externallyRefundedAmount).to.deep.equal(capturedAmount);
  });

  it('see an order whose refund is declined as blocked, retry it, and end it by an external refund', async () => {
    const bought = await buy('pm_refund_declined');
    await expectReason(system.order.refundOrder(refunding(bought)), 'REFUND_DECLINED');
    await beginCancel(bought);
    const blocked = await untilBlocked(bought);
    expect(blocked).to.deep.include({ blockedReason: 'REFUND_DECLINED', step: SagaStep.REFUND_PAYMENT });

    await system.order.retryOrder(action(bought));
    const again = await untilBlocked(bought, blocked.blockedSince);
    expect(again.revision).to.be.greaterThan(blocked.revision);
    await system.order.resolveOrder(action(bought));
    await untilCancelled(bought);

    const { capturedAmount, refundedAmount, externallyRefundedAmount, audit } = await paymentOf(bought);
    expect(refundedAmount).to.deep.equal(capturedAmount);
    expect(externallyRefundedAmount).to.deep.equal(capturedAmount);
    expect(audit?.refundedAmount?.units ?? 0n).to.equal(0n);
    const { entries } = await system.order.getOrderTimeline({ orderId: bought.orderId, customerId: '' });
    const acted = entries.filter(({ actor }) => actor === 'grace').map(({ step }) => SagaStep[step]);
    expect(acted).to.deep.equal(['REFUND_ORDER', 'REQUEST_CANCELLATION', 'RETRY_ORDER', 'RESOLVE_ORDER']);
  });
});
