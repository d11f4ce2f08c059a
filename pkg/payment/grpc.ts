import type { Money } from '../money/index.js';
import { annotateCall } from '../observability/index.js';
import { PaymentServiceService, RefundState } from '../pb/payment/v1/payment.js';
import { batchOf, handler, implement, type BoundService } from '../rpc/index.js';
import type { IdSource } from '../runtime/index.js';
import { requireAccepted } from './accepted-results.js';
import { requestedAmount, type Payment } from './domain.js';
import {
  parseAuthorize,
  parseCancelRefund,
  parseCapture,
  parseExternalRefund,
  parseGet,
  parseList,
  parseListTransactions,
  parseRefund,
  parseVoid,
} from './grpc-parse.js';
import { toGatewayOnlyPayment, toWirePage, toWirePayment, toWireTransactions } from './grpc-wire.js';
import type { RefundService } from './refunds/refund-service.js';
import type { PaymentService } from './service.js';

export interface PaymentHandlersDeps {
  readonly payments: PaymentService;
  readonly refunds: RefundService;
  readonly newId: IdSource;
}

/** Handlers of `payment.v1.PaymentService`. */
export function paymentHandlers({ payments, refunds, newId }: PaymentHandlersDeps): BoundService {
  return implement(PaymentServiceService, {
    authorizePayment: handler(parseAuthorize, async ({ authorization, accepted }, { signal }) => {
      annotateIds(authorization);
      annotateAmount(authorization.amount);
      const payment = await payments.authorize(authorization, signal);
      return toResponse(requireAccepted(payment, 'AUTHORIZE', accepted));
    }),
    capturePayment: handler(parseCapture, async ({ paymentId, amount, accepted, note }, { signal }) => {
      annotateIds({ paymentId });
      const payment = await payments.capture(paymentId, amount, signal, note);
      return toResponse(requireAccepted(payment, 'CAPTURE', accepted));
    }),
    batchAuthorizePayments: batchOf('authorizePayment'),
    batchCapturePayments: batchOf('capturePayment'),
    voidPayment: handler(parseVoid, async ({ paymentId, note }, { signal }) => {
      annotateIds({ paymentId });
      return toResponse(await payments.void(paymentId, signal, note));
    }),
    ...refundHandlers(refunds, newId),
    getPayment: handler(parseGet, async ({ paymentId, withAudit }, context) => {
      annotateIds({ paymentId });
      if (!withAudit) return toResponse(await payments.get(paymentId, context));
      const { payment, record } = await payments.getWithAudit(paymentId, context.signal);
      if (!payment) return { payment: toGatewayOnlyPayment(paymentId, record) };
      annotatePayment(payment);
      return { payment: toWirePayment(payment, record) };
    }),
    listPayments: handler(parseList, async (page, context) => {
      if (page.orderId !== undefined) annotateCall({ order_id: page.orderId }, { 'order.id': page.orderId });
      return toWirePage(await payments.list(page, context), page);
    }),
    listGatewayTransactions: handler(parseListTransactions, async (page, { signal }) => {
      if (page.paymentId !== undefined) annotateIds({ paymentId: page.paymentId });
      return toWireTransactions(await payments.listTransactions(page, signal), page);
    }),
  });
}

function refundHandlers(refunds: RefundService, newId: IdSource) {
  return {
    refundPayment: handler(parseRefund(newId), async (refund, { signal }) => {
      annotateIds(refund);
      return toResponse(await refunds.refund(refund, signal));
    }),
    cancelRefund: handler(parseCancelRefund, async (cancellation, { signal }) => {
      annotateIds(cancellation);
      const refund = await refunds.cancel(cancellation, signal);
      annotateCall({ refund_state: refund.state }, { 'payment.refund_state': refund.state });
      const rejectionReason = refund.state === 'REJECTED' ? refund.reason : '';
      return { state: RefundState[refund.state], rejectionReason };
    }),
    recordExternalRefund: handler(parseExternalRefund, async (refund, { signal }) => {
      annotateIds(refund);
      return toResponse(await refunds.refund(refund, signal));
    }),
  };
}

function toResponse(payment: Payment): { payment: ReturnType<typeof toWirePayment> } {
  annotatePayment(payment);
  return { payment: toWirePayment(payment) };
}

/** Handlers annotate the ids before the operation, so that a failed call has its ids, too. */
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
  const amount = requestedAmount(payment);
  if (amount) annotateAmount(amount);
  if (decline) annotateCall({ decline_code: decline.code }, { 'payment.decline_code': decline.code });
}
