import { verdicts, type Lease, type OperatorNote, type Payment } from '../domain.js';

/** Reason of a permanent rejection. PAYMENT_NOT_FOUND is stored only by earlier versions. */
export type RefundRejection =
  | 'PAYMENT_NOT_FOUND'
  | 'ILLEGAL_TRANSITION'
  | 'REFUND_EXCEEDS_CAPTURE'
  | 'REFUND_DECLINED'
  | 'REFUND_CANCELLED';

/** Identifies one refund: `requestId` is unique within the payment. */
export interface RefundKey {
  readonly paymentId: string;
  readonly requestId: string;
}

/** Stored outcome of a refund. A rejection is stored so that a repeated request is rejected again. */
export type RefundOutcome =
  | { readonly state: 'PENDING'; readonly amount: bigint }
  | {
      readonly state: 'SUCCEEDED';
      readonly amount: bigint;
      /** Total of all refunds of the payment up to and including this refund. */
      readonly refundedAfter: bigint;
      /** Part of `refundedAfter` that was returned outside the gateway. */
      readonly externallyRefundedAfter: bigint;
      readonly finishedAt: Date;
    }
  | { readonly state: 'REFUSED'; readonly reason: RefundRejection };

export interface Refund extends RefundKey {
  readonly fingerprint: Buffer;
  readonly outcome: RefundOutcome;
}

/** A refund whose amount is reserved and whose gateway answer is not recorded. */
export interface PendingRefund extends RefundKey {
  readonly amount: bigint;
}

/** A pending refund during the lease of this process. */
export interface ClaimedRefund extends PendingRefund, Lease {}

/** A new refund. */
export interface NewRefund extends RefundKey {
  /** Empty if the refund was not requested here. An empty fingerprint fits every request. */
  readonly fingerprint: Buffer;
  readonly note: OperatorNote;
}

/** A cancellation of a refund by an operator. */
export interface RefundCancellation extends RefundKey {
  readonly note: OperatorNote;
}

/** State of a refund after its cancellation. */
export type CancelledRefund =
  | { readonly state: 'CANCELLED' | 'SUCCEEDED' | 'PENDING' }
  | { readonly state: 'REJECTED'; readonly reason: RefundRejection };

export type RefundDecision =
  | Exclude<RefundOutcome, { state: 'SUCCEEDED' }>
  /** A pending refund may still change the decision, so nothing is stored. */
  | { readonly state: 'UNDECIDED' };

/**
 * Decides a new refund of `requested` minor units, or of the whole remaining amount. A pending refund may still be
 * declined by the gateway. While it is pending, a refund of the whole remaining amount, and a refund that fits only
 * without the pending amount, are therefore undecided.
 */
export function decideRefund(payment: Payment, requested: bigint | undefined): RefundDecision {
  const { charge, state } = payment;
  if (!charge || verdicts.REFUND[state] === 'REJECT')
    return { state: 'REFUSED', reason: 'ILLEGAL_TRANSITION' };
  const remaining = charge.captured - charge.refunded;
  const amount = requested ?? remaining;
  if (amount <= 0n || amount > remaining) return { state: 'REFUSED', reason: 'REFUND_EXCEEDS_CAPTURE' };
  const isUndecided = amount > remaining - charge.refundPending;
  return isUndecided ? { state: 'UNDECIDED' } : { state: 'PENDING', amount };
}

/** Returns the payment as it was right after a refund, without later refunds and without pending refunds. */
export function afterRefund(
  payment: Payment,
  outcome: Extract<RefundOutcome, { state: 'SUCCEEDED' }>,
): Payment {
  if (!payment.charge) throw new Error(`payment ${payment.id} has a refund and no charge`);
  const { refundedAfter, externallyRefundedAfter, finishedAt } = outcome;
  return {
    ...payment,
    state: refundedAfter === payment.charge.captured ? 'REFUNDED' : 'PARTIALLY_REFUNDED',
    charge: {
      ...payment.charge,
      refunded: refundedAfter,
      externallyRefunded: externallyRefundedAfter,
      refundPending: 0n,
    },
    updatedAt: finishedAt,
  };
}
