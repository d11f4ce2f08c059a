import type { Money } from '../money/index.js';

export const paymentStates = [
  /** The gateway has not given a definite answer to the authorization. */
  'PENDING',
  /** The customer must act before the gateway decides. */
  'ACTION_REQUIRED',
  'AUTHORIZED',
  'CAPTURED',
  'PARTIALLY_REFUNDED',
  'REFUNDED',
  'VOIDED',
  'DECLINED',
  /** The authorization expired before a capture, or the customer did not act in time. */
  'EXPIRED',
] as const;

export type PaymentState = (typeof paymentStates)[number];

export const declineCodes = [
  'INSUFFICIENT_FUNDS',
  'CARD_EXPIRED',
  'SUSPECTED_FRAUD',
  'DO_NOT_HONOR',
  'INVALID_PAYMENT_METHOD',
  'ISSUER_UNAVAILABLE',
] as const;

export type DeclineCode = (typeof declineCodes)[number];

export type DeclineAdvice = 'DO_NOT_RETRY' | 'RETRY_LATER';

export interface Decline {
  readonly code: DeclineCode;
  readonly advice: DeclineAdvice;
}

/** What the customer must do before the gateway decides about an authorization. */
export interface PaymentAction {
  readonly url: string;
  /** Time after which the gateway expires the payment. */
  readonly dueAt: Date;
}

/** The requested amount, and how much of it was authorized, captured and refunded, in minor units of `currency`. */
export interface Charge {
  /** Undefined for a charge that only the gateway knew when its payment was voided. */
  readonly orderId: string | undefined;
  readonly currency: string;
  readonly amount: bigint;
  /** `amount`, or zero if the payment was declined or never authorized. */
  readonly authorized: bigint;
  readonly captured: bigint;
  readonly refunded: bigint;
  /** Part of `refunded` that was returned outside the gateway. */
  readonly externallyRefunded: bigint;
  /** Amount reserved by pending refunds. */
  readonly refundPending: bigint;
  /** Fingerprint of the request to authorize; undefined together with `orderId`. */
  readonly fingerprint: Buffer | undefined;
}

export interface Payment {
  readonly id: string;
  readonly state: PaymentState;
  /** Undefined for a tombstone, unless the gateway turned out to have captured a charge with its id. */
  readonly charge: Charge | undefined;
  readonly decline: Decline | undefined;
  /** Decline of the capture of an AUTHORIZED payment. */
  readonly captureDecline: Decline | undefined;
  /** Defined in state ACTION_REQUIRED. */
  readonly action: PaymentAction | undefined;
  /** Whether the payment was PENDING or ACTION_REQUIRED when it was voided. */
  readonly voidedIntent: boolean;
  /** Whether the payment is VOIDED in this database and the gateway has not confirmed the void. */
  readonly voidPending: boolean;
  /** Set if this call has made the pending void: the lease of the void began with it, so this call asks the gateway. */
  readonly holdsVoid?: true;
  /** The amount that the gateway released for a payment that was VOIDED before its approval was recorded. */
  readonly released: Money | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The lease of a claimed item. */
export interface Lease {
  /** Number of claims, 0 before the first. Each claim begins a new lease, so this is its fencing token. */
  readonly attempts: number;
}

/** Who changed a payment, and why; stored in the ledger. */
export interface OperatorNote {
  /** Undefined when a service calls. */
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
}

/** Kind of a payment change; each change is one entry of the ledger. */
export type Change =
  | 'AUTHORIZE'
  | 'DECLINE'
  | 'EXPIRE'
  | 'CAPTURE'
  | 'CAPTURE_DECLINE'
  | 'VOID'
  | 'REFUND'
  | 'EXTERNAL_REFUND'
  | 'REFUND_CANCEL';

export interface PaymentChange {
  readonly change: Change;
  /** State after the change. */
  readonly payment: Payment;
  /** Minor units that the change authorized, captured, voided or refunded. */
  readonly amount: bigint;
}

/** A request to change an existing payment. */
export type Command = 'CAPTURE' | 'VOID' | 'REFUND';

/**
 * EXECUTE the command, return the payment UNCHANGED, REJECT the command, or report that the payment is still IN_DOUBT.
 */
export type Verdict = 'EXECUTE' | 'UNCHANGED' | 'REJECT' | 'IN_DOUBT';

export const verdicts: Readonly<Record<Command, Readonly<Record<PaymentState, Verdict>>>> = {
  CAPTURE: {
    PENDING: 'IN_DOUBT',
    ACTION_REQUIRED: 'REJECT',
    AUTHORIZED: 'EXECUTE',
    CAPTURED: 'UNCHANGED',
    PARTIALLY_REFUNDED: 'UNCHANGED',
    REFUNDED: 'UNCHANGED',
    VOIDED: 'REJECT',
    DECLINED: 'REJECT',
    EXPIRED: 'UNCHANGED',
  },
  VOID: {
    PENDING: 'EXECUTE',
    ACTION_REQUIRED: 'EXECUTE',
    AUTHORIZED: 'EXECUTE',
    CAPTURED: 'REJECT',
    PARTIALLY_REFUNDED: 'REJECT',
    REFUNDED: 'REJECT',
    VOIDED: 'UNCHANGED',
    DECLINED: 'UNCHANGED',
    EXPIRED: 'UNCHANGED',
  },
  REFUND: {
    PENDING: 'REJECT',
    ACTION_REQUIRED: 'REJECT',
    AUTHORIZED: 'REJECT',
    CAPTURED: 'EXECUTE',
    PARTIALLY_REFUNDED: 'EXECUTE',
    REFUNDED: 'EXECUTE',
    VOIDED: 'REJECT',
    DECLINED: 'REJECT',
    EXPIRED: 'REJECT',
  },
};

/** Returns whether the authorization has no definite answer. */
export function isIntent({ state }: Payment): boolean {
  return state === 'PENDING' || state === 'ACTION_REQUIRED';
}

/** Returns whether the payment was voided without a request to authorize it. */
export function isTombstone({ charge }: Payment): boolean {
  return charge?.orderId === undefined;
}

/** Returns true for a tombstone without a charge, for a payment that was voided before the gateway answered, and for a payment that is VOIDED because its order has another payment. */
export function wasNeverAuthorized({ state, charge }: Payment): boolean {
  return state === 'VOIDED' && (charge === undefined || charge.authorized === 0n);
}

/** Returns undefined for a tombstone without a charge. */
export function requestedAmount({ charge }: Payment): Money | undefined {
  return charge && { currency: charge.currency, minor: charge.amount };
}
