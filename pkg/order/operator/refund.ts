import { AppError, type Reason } from '../../errors/index.js';
import { format, type Money } from '../../money/index.js';
import type { CallOptions } from '../../rpc/index.js';
import type { RefundOrder, SagaOrder, TimelineEntry } from '../domain.js';
import { actionEntry } from './action-entry.js';
import { illegalAction } from './errors.js';

/**
 * Rejections that the payment service stores under the key of the refund. Other errors leave the refund in doubt. This
 * includes REQUEST_ID_REUSED and VALIDATION_FAILED, because another version of the payment service may decide
 * differently.
 */
export const finalRefusals = [
  'REFUND_DECLINED',
  'REFUND_CANCELLED',
  'REFUND_EXCEEDS_CAPTURE',
  'ILLEGAL_TRANSITION',
] as const satisfies readonly Reason[];
export type RefundRefusal = (typeof finalRefusals)[number];

/** A definite answer of the payment service. */
export type RefundAnswer =
  | { readonly state: 'SUCCEEDED' }
  | { readonly state: 'REFUSED'; readonly refusal: RefundRefusal };
export type RefundOutcome = RefundAnswer | { readonly state: 'PENDING' };

/** A partial refund of an order. */
export interface OrderRefund extends RefundOrder {
  /** Idempotency key at the payment service. The key is secret, so that no other client can use the key. */
  readonly id: string;
  readonly paymentId: string;
  readonly outcome: RefundOutcome;
  /** Number of attempts that ended in doubt. */
  readonly attempts: number;
}

/** Calls the payment service. Throws when the refund is in doubt. */
export interface RefundPort {
  refund(refund: OrderRefund, options: CallOptions): Promise<RefundAnswer>;
}

/**
 * Decides a new refund. An amount that fits only if a pending refund of the order fails is not decided yet.
 * @throws AppError ILLEGAL_TRANSITION, CURRENCY_MISMATCH, PAYMENT_IN_DOUBT
 */
export function decideRefund(order: SagaOrder, amount: Money): RefundOutcome {
  const { id, state, total, refunded, refundPending } = order;
  if (state !== 'CONFIRMED') throw illegalAction(order, 'cannot be refunded in part');
  if (amount.currency !== total.currency) throw currencyMismatch(id, total.currency);
  const remaining = total.minor - refunded.minor;
  if (amount.minor > remaining) return { state: 'REFUSED', refusal: 'REFUND_EXCEEDS_CAPTURE' };
  if (amount.minor > remaining - refundPending.minor) throw refundInDoubt(id);
  return { state: 'PENDING' };
}

/** Returns the order with the result of a refund, and its timeline entry. */
export function applyRefund(
  order: SagaOrder,
  { amount, actor, reason, attempts }: OrderRefund,
  { answer, now }: { readonly answer: RefundAnswer; readonly now: Date },
): { readonly order: SagaOrder; readonly entry: TimelineEntry } {
  const isDone = answer.state === 'SUCCEEDED';
  const refunded = { ...order.refunded, minor: order.refunded.minor + (isDone ? amount.minor : 0n) };
  const prefix = isDone ? '' : `${answer.refusal}, `;
  const detail = `${prefix}${format(amount)}: ${reason}`;
  const action = actionEntry(order, { step: 'REFUND_ORDER', to: order.state, actor, reason: detail, now });
  return {
    order: { ...order, refunded, revision: action.revision, updatedAt: now },
    entry: { ...action, outcome: answer.state, attempt: attempts + 1 },
  };
}

/** Whether a request with a used key is a repetition. Fields are compared, so that versions need no common fingerprint. */
export function isRepetition({ amount, actor, reason }: RefundOrder, earlier: RefundOrder): boolean {
  const isSameAmount = amount.minor === earlier.amount.minor && amount.currency === earlier.amount.currency;
  return isSameAmount && actor === earlier.actor && reason === earlier.reason;
}

export function refundInDoubt(orderId: string, cause?: unknown): AppError {
  return new AppError({
    reason: 'PAYMENT_IN_DOUBT',
    message: 'the outcome of a refund is not known yet: repeat the request with the same id',
    metadata: { order_id: orderId },
    retryAfterMs: 1000,
    cause,
  });
}

/** The error depends only on the stored refusal, so that a repeated request gets the same error. */
export function refundRefused({ orderId, requestId }: RefundOrder, refusal: RefundRefusal): AppError {
  const descriptions: Record<RefundRefusal, string> = {
    REFUND_DECLINED: 'the gateway declined the refund',
    REFUND_CANCELLED: 'an operator cancelled the refund',
    REFUND_EXCEEDS_CAPTURE: 'the total of all refunds would exceed the captured amount',
    ILLEGAL_TRANSITION: 'the payment was not captured',
  };
  const description = descriptions[refusal];
  return new AppError({
    reason: refusal,
    message: description,
    metadata: { order_id: orderId, request_id: requestId },
    preconditions: [{ type: 'REFUND', subject: orderId, description }],
  });
}

function currencyMismatch(orderId: string, currency: string): AppError {
  return new AppError({
    reason: 'CURRENCY_MISMATCH',
    message: `the order is in ${currency}`,
    metadata: { order_id: orderId, currency },
    fields: [{ field: 'amount.currency_code', description: `must be ${currency}` }],
  });
}
