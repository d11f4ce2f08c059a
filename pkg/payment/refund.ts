import { verdicts, type Payment } from './domain.js';

/** Why a refund was refused for good. */
export const refundRefusals = ['PAYMENT_NOT_FOUND', 'ILLEGAL_TRANSITION', 'REFUND_EXCEEDS_CAPTURE'] as const;

export type RefundRefusal = (typeof refundRefusals)[number];

/** Names one refund: its key counts within its payment. */
export interface RefundKey {
  readonly paymentId: string;
  readonly requestId: string;
}

/** Where a refund stands. A refusal is kept, so that a late repeat of the request stays refused. */
export type RefundOutcome =
  | { readonly state: 'PENDING'; readonly amount: bigint }
  | {
      readonly state: 'SUCCEEDED';
      readonly amount: bigint;
      /** All refunds of the payment together, this one included. */
      readonly refundedAfter: bigint;
      readonly finishedAt: Date;
    }
  | { readonly state: 'REFUSED'; readonly refusal: RefundRefusal };

export interface Refund extends RefundKey {
  readonly fingerprint: Buffer;
  readonly outcome: RefundOutcome;
}

export type RefundDecision = Exclude<RefundOutcome, { state: 'SUCCEEDED' }>;

/**
 * Decides a new refund of `requested` minor units, or of all that is left. Money that other refunds
 * have reserved counts as given back.
 */
export function decideRefund(payment: Payment | undefined, requested: bigint | undefined): RefundDecision {
  if (!payment) return { state: 'REFUSED', refusal: 'PAYMENT_NOT_FOUND' };
  const { charge, state } = payment;
  if (!charge || verdicts.REFUND[state] === 'REFUSE')
    return { state: 'REFUSED', refusal: 'ILLEGAL_TRANSITION' };
  const left = charge.captured - charge.refunded - charge.refundPending;
  const amount = requested ?? left;
  if (amount <= 0n || amount > left) return { state: 'REFUSED', refusal: 'REFUND_EXCEEDS_CAPTURE' };
  return { state: 'PENDING', amount };
}

/** The payment as it was right after a refund, however often it was refunded since. */
export function afterRefund(
  payment: Payment,
  { refundedAfter, finishedAt }: Extract<RefundOutcome, { state: 'SUCCEEDED' }>,
): Payment {
  if (!payment.charge) throw new Error(`payment ${payment.id} has a refund and no charge`);
  return {
    ...payment,
    state: refundedAfter === payment.charge.captured ? 'REFUNDED' : 'PARTIALLY_REFUNDED',
    charge: { ...payment.charge, refunded: refundedAfter },
    updatedAt: finishedAt,
  };
}
