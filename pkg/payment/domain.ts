import type { Money } from '../money/index.js';

/** Life of a payment. */
export const paymentStates = [
  'AUTHORIZED',
  'CAPTURED',
  'PARTIALLY_REFUNDED',
  'REFUNDED',
  'VOIDED',
  'DECLINED',
] as const;

export type PaymentState = (typeof paymentStates)[number];

/** Why a gateway said no. */
export const declineCodes = [
  'INSUFFICIENT_FUNDS',
  'CARD_EXPIRED',
  'SUSPECTED_FRAUD',
  'DO_NOT_HONOR',
  'INVALID_PAYMENT_METHOD',
  'ISSUER_UNAVAILABLE',
] as const;

export type DeclineCode = (typeof declineCodes)[number];

/** What to do after a decline. */
export type DeclineAdvice = 'DO_NOT_RETRY' | 'RETRY_LATER';

export interface Decline {
  readonly code: DeclineCode;
  readonly advice: DeclineAdvice;
}

/** What a payment asked for and how far it came; amounts in minor units of `currency`. */
export interface Charge {
  readonly orderId: string;
  readonly currency: string;
  readonly amount: bigint;
  /** The amount, or zero if declined or refused. */
  readonly authorized: bigint;
  readonly captured: bigint;
  readonly refunded: bigint;
  /** Reserved by refunds whose gateway answer is not known yet. */
  readonly refundPending: bigint;
  /** Of the request that made it. */
  readonly fingerprint: Buffer;
}

export interface Payment {
  readonly id: string;
  readonly state: PaymentState;
  /** Undefined on a tombstone: voided before it was ever authorized. */
  readonly charge: Charge | undefined;
  readonly decline: Decline | undefined;
  /** VOIDED here, but the gateway has not confirmed the void yet. */
  readonly owesVoid: boolean;
  /** What the gateway had blocked, as it turned out, for a payment that was VOIDED before it was made. */
  readonly released: Money | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** One entry of the ledger, which is also one change of a payment. */
export type Change = 'AUTHORIZE' | 'DECLINE' | 'CAPTURE' | 'VOID' | 'REFUND';

/** What a caller asks of a payment that exists. */
export type Command = 'CAPTURE' | 'VOID' | 'REFUND';

/** Do it; answer with the payment as it is, for it is done; or refuse. */
export type Verdict = 'ACT' | 'ANSWER' | 'REFUSE';

export const verdicts: Readonly<Record<Command, Readonly<Record<PaymentState, Verdict>>>> = {
  CAPTURE: {
    AUTHORIZED: 'ACT',
    CAPTURED: 'ANSWER',
    PARTIALLY_REFUNDED: 'ANSWER',
    REFUNDED: 'ANSWER',
    VOIDED: 'REFUSE',
    DECLINED: 'REFUSE',
  },
  VOID: {
    AUTHORIZED: 'ACT',
    CAPTURED: 'REFUSE',
    PARTIALLY_REFUNDED: 'REFUSE',
    REFUNDED: 'REFUSE',
    VOIDED: 'ANSWER',
    DECLINED: 'ANSWER',
  },
  REFUND: {
    AUTHORIZED: 'REFUSE',
    CAPTURED: 'ACT',
    PARTIALLY_REFUNDED: 'ACT',
    REFUNDED: 'ACT',
    VOIDED: 'REFUSE',
    DECLINED: 'REFUSE',
  },
};

/** Whether it was VOIDED instead of being authorized: a tombstone, or its order was paid otherwise. */
export function wasNeverMade({ state, charge }: Payment): boolean {
  return state === 'VOIDED' && (charge === undefined || charge.authorized === 0n);
}

/** What was asked for; undefined on a tombstone. */
export function amountOf({ charge }: Payment): Money | undefined {
  return charge && { currency: charge.currency, minor: charge.amount };
}
