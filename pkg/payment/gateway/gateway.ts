import type { Money } from '../../money/index.js';
import type { Decline, PaymentAction } from '../domain.js';

/**
 * The payment processor that moves the money. `key`, the merchant's reference of one payment, is the idempotency key: a
 * repeated call returns the first answer and moves no more money. The gateway forgets idempotency keys after a time (24
 * hours), so a caller looks up an old key by reference before it sends the key again. Look-ups and voids by reference
 * have no time limit.
 *
 * Every implementation guarantees:
 * - Either a capture or a void of a key succeeds, never both, independent of the sequence in which the calls arrive.
 * - `void` also accepts an unknown key (cancel by merchant reference); after that, no `authorize` with
 *   the key succeeds.
 * - `cancelRefund` also accepts an unknown refund key; after the answer CANCELLED, no `refund` with this refund key takes
 *   effect, however late it arrives. For a payment that the gateway does not know, CANCELLED only states that no refund was
 *   made. An adapter of a processor without such a call can use up the idempotency key with a refund that the processor
 *   rejects.
 * - Each call ends in bounded time. A call rejects with {@link GatewayInDoubt} when its answer is unknown, also when
 *   `signal` aborts. The call may or may not have taken effect. A repeated call returns the answer.
 */
export interface PaymentGateway {
  authorize(request: AuthorizeRequest): Promise<AuthorizeAnswer>;
  capture(request: KeyedCall & { readonly amount: bigint }): Promise<CaptureAnswer>;
  void(request: KeyedCall): Promise<VoidAnswer>;
  refund(
    request: KeyedCall & {
      /** The merchant's reference of one refund, unique within the payment. */
      readonly refundKey: string;
      readonly amount: bigint;
    },
  ): Promise<RefundAnswer>;
  /** Cancels a refund that the gateway has not begun. */
  cancelRefund(request: KeyedCall & { readonly refundKey: string }): Promise<CancelRefundAnswer>;
  /** Returns the gateway's own record of a payment. For an unknown key, all counts and amounts are 0. */
  lookup(request: KeyedCall): Promise<GatewayRecord>;
  /** Returns the answer to an earlier refund; undefined if the gateway has not received the refund. */
  lookupRefund(request: KeyedCall & { readonly refundKey: string }): Promise<RefundAnswer | undefined>;
  /** Returns a page of the gateway's own ledger, oldest first. */
  listTransactions(request: TransactionPageRequest): Promise<readonly GatewayTransaction[]>;
}

/**
 * A call for one key. An amount without a currency is in minor units of the authorized currency.
 */
export interface KeyedCall {
  readonly key: string;
  readonly signal: AbortSignal;
}

export interface AuthorizeRequest extends KeyedCall {
  readonly amount: Money;
  /** Id of the order. Two requests with one key and different orders are not equal. */
  readonly orderId: string;
  /** Secret payment-method token. Only the gateway receives it. */
  readonly method: string;
}

export type AuthorizeAnswer =
  | { readonly outcome: 'APPROVED'; readonly reference: string }
  | { readonly outcome: 'DECLINED'; readonly decline: Decline }
  /** The customer must act; the answer follows as an event. */
  | { readonly outcome: 'ACTION_REQUIRED'; readonly action: PaymentAction }
  /** The answer follows as an event. */
  | { readonly outcome: 'PENDING' }
  /** The customer did not act in time. */
  | { readonly outcome: 'EXPIRED' }
  /** An earlier call has voided the key. */
  | { readonly outcome: 'VOIDED' }
  /** The key was used for a different request. */
  | { readonly outcome: 'KEY_REUSED' };

/** Current answer to an authorization, as a look-up by reference returns it. */
export type AuthorizationStatus = Exclude<AuthorizeAnswer, { outcome: 'KEY_REUSED' }>;

export type CaptureAnswer =
  /** `amount` is the amount captured by this call or by an earlier call. */
  | { readonly outcome: 'CAPTURED'; readonly amount: bigint }
  | { readonly outcome: 'DECLINED'; readonly decline: Decline }
  /** The authorization has expired. */
  | { readonly outcome: 'EXPIRED' }
  | { readonly outcome: 'VOIDED' }
  /** The key is not authorized, or the authorized amount is less than the requested amount. */
  | { readonly outcome: 'NOT_AUTHORIZED' };

export type VoidAnswer =
  /** `released` is the authorized amount that the void released; undefined if the key was not authorized. */
  | { readonly outcome: 'VOIDED'; readonly released: Money | undefined }
  /** The authorization has expired, so there is nothing to release. */
  | { readonly outcome: 'EXPIRED' }
  /** An earlier call has captured `amount`. */
  | { readonly outcome: 'CAPTURED'; readonly amount: bigint };

export type RefundAnswer =
  | { readonly outcome: 'REFUNDED' }
  /** The answer follows as an event. */
  | { readonly outcome: 'PENDING' }
  /** The gateway declines the refund, for example because the amount exceeds the rest of the captured amount. */
  | { readonly outcome: 'DECLINED' };

export type CancelRefundAnswer =
  | { readonly outcome: 'CANCELLED' }
  /** The gateway has declined the refund before. */
  | { readonly outcome: 'DECLINED' }
  /** The gateway has begun or made the refund, and does not cancel it. */
  | { readonly outcome: 'PENDING' | 'REFUNDED'; readonly amount: bigint };

/** A later answer. The gateway delivers each event at least once. */
export type GatewayEvent = { readonly id: string; readonly key: string } & (
  | {
      readonly kind: 'AUTHORIZATION';
      readonly answer: Extract<AuthorizationStatus, { outcome: 'APPROVED' | 'DECLINED' | 'EXPIRED' }>;
    }
  | {
      readonly kind: 'REFUND';
      readonly refundKey: string;
      readonly answer: Extract<RefundAnswer, { outcome: 'REFUNDED' | 'DECLINED' }>;
    }
);

export interface TransactionPageRequest {
  /** If set, the page contains only the transactions of this key. */
  readonly key: string | undefined;
  /** Id of the last transaction of the previous page; undefined for the first page. */
  readonly after: string | undefined;
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** One entry of the gateway's own ledger. */
export interface GatewayTransaction {
  readonly id: string;
  readonly key: string;
  readonly kind: 'AUTHORIZE' | 'CAPTURE' | 'VOID' | 'REFUND';
  /** Undefined for a void of an unknown authorization. */
  readonly amount: Money | undefined;
  readonly createdAt: Date;
}

/** The gateway's own record of one payment. */
export interface GatewayRecord {
  /** Undefined if no authorization has an effect or an answer. */
  readonly authorization: AuthorizationStatus | undefined;
  readonly authorizationCount: number;
  readonly captureCount: number;
  /** Undefined if the gateway has received no `authorize` call with the key. */
  readonly currency: string | undefined;
  /** Total of all authorizations, including voided authorizations. */
  readonly authorized: bigint;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly voided: boolean;
  /** Whether the gateway has received an authorization or a refund that it has not decided yet. */
  readonly pending: boolean;
}

/** The gateway did not answer, or its answer was lost: the effect of the call is unknown. */
export class GatewayInDoubt extends Error {
  override readonly name = 'GatewayInDoubt';

  constructor(
    readonly kind: 'UNAVAILABLE' | 'TIMEOUT',
    cause?: unknown,
  ) {
    super(`the gateway answer is unknown: ${kind}`, cause === undefined ? undefined : { cause });
  }
}
