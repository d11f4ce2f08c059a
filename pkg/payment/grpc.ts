import type { Money } from '../money/index.js';
import { annotateCall } from '../observability/index.js';
import { PaymentServiceService } from '../pb/payment/v1/payment.js';
import { handler, implement, type BoundService } from '../rpc/index.js';
import type { IdSource } from '../runtime/index.js';
import { amountOf, type Payment } from './domain.js';
import { parseAuthorize, parseCapture, parseGet, parseList, parseRefund, parseVoid } from './grpc-parse.js';
import { toWirePage, toWirePayment } from './grpc-wire.js';
import type { RefundService } from './refund-service.js';
import type { PaymentService } from './service.js';

export interface PaymentHandlersDeps {
  readonly payments: PaymentService;
  readonly refunds: RefundService;
  readonly newId: IdSource;
}

/** Serves `payment.v1.PaymentService`. */
export function paymentHandlers({ payments, refunds, newId }: PaymentHandlersDeps): BoundService {
  return implement(PaymentServiceService, {
    authorizePayment: handler(parseAuthorize, async (authorization, { signal }) => {
      annotateIds(authorization);
      annotateAmount(authorization.amount);
      return answer(await payments.authorize(authorization, signal));
    }),
    capturePayment: handler(parseCapture, async ({ paymentId, amount }, { signal }) => {
      annotateIds({ paymentId });
      return answer(await payments.capture(paymentId, amount, signal));
    }),
    voidPayment: handler(parseVoid, async ({ paymentId }, { signal }) => {
      annotateIds({ paymentId });
      return answer(await payments.void(paymentId, signal));
    }),
    refundPayment: handler(parseRefund(newId), async (refund, { signal }) => {
      annotateIds(refund);
      return answer(await refunds.refund(refund, signal));
    }),
    getPayment: handler(parseGet, async ({ paymentId, withAudit }, { signal }) => {
      annotateIds({ paymentId });
      const payment = await payments.get(paymentId);
      annotatePayment(payment);
      const books = withAudit ? await payments.audit(paymentId, signal) : undefined;
      return { payment: toWirePayment(payment, books) };
    }),
    listPayments: handler(parseList, async (page) => {
      if (page.orderId !== undefined) annotateCall({ order_id: page.orderId }, { 'order.id': page.orderId });
      return toWirePage(await payments.list(page), page);
    }),
  });
}

function answer(payment: Payment): { payment: ReturnType<typeof toWirePayment> } {
  annotatePayment(payment);
  return { payment: toWirePayment(payment) };
}

/** Also a call that fails is found by its payment. */
function annotateIds({ paymentId, orderId }: { paymentId: string; orderId?: string | undefined }): void {
  annotateCall({ payment_id: paymentId }, { 'payment.id': paymentId });
  if (orderId !== undefined) annotateCall({ order_id: orderId }, { 'order.id': orderId });
}

function annotateAmount({ minor, currency }: Money): void {
  annotateCall(
    { total_amount: minor, currency },
    { 'payment.amount_minor': Number(minor), 'payment.currency': currency },
  );
}

function annotatePayment(payment: Payment): void {
  const { id, state, charge, decline } = payment;
  annotateCall({ payment_state: state }, { 'payment.state': state });
  annotateIds({ paymentId: id, orderId: charge?.orderId });
  const amount = amountOf(payment);
  if (amount) annotateAmount(amount);
  if (decline) annotateCall({ decline_code: decline.code }, { 'payment.decline_code': decline.code });
}
