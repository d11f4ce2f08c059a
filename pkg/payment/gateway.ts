import type { Money } from '../money/index.js';
import type { Decline } from './domain.js';

/**
 * The processor that moves the money. Calls are keyed by `key`, the merchant's reference of one
 * payment: repeating a call returns its first answer and moves no money again.
 *
 * Asked of every implementation:
 * - Of a capture and a void of one key, whatever their order, exactly one succeeds.
 * - Cancel by merchant reference: `void` also works for a key that the gateway has not seen, and from
 *   then on no `authorize` with that key can succeed.
 * - Each call ends in bounded time, and rejects with {@link GatewayInDoubt} whenever its answer is not
 *   known, also when `signal` aborts; what it asked for may or may not have happened, and repeating
 *   it tells.
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
  /** What the gateway's own books say of a payment, also of one it has not seen. */
  lookup(request: KeyedCall): Promise<GatewayBooks>;
}

/** Amounts are minor units of the currency that was authorized. */
export interface KeyedCall {
  readonly key: string;
  readonly signal: AbortSignal;
}

export interface AuthorizeRequest extends KeyedCall {
  readonly amount: Money;
  /** The order it pays; part of what makes two requests of one key equal. */
  readonly orderId: string;
  /** Payment-method token. Goes no further than the gateway. */
  readonly method: string;
}

export type AuthorizeAnswer =
  | { readonly outcome: 'APPROVED'; readonly reference: string }
  | { readonly outcome: 'DECLINED'; readonly decline: Decline }
  /** A void came first. */
  | { readonly outcome: 'VOIDED' }
  /** The key stands for another request. */
  | { readonly outcome: 'KEY_REUSED' };

export type CaptureAnswer =
  /** `amount` is what was taken, by this call or by an earlier one. */
  | { readonly outcome: 'CAPTURED'; readonly amount: bigint }
  | { readonly outcome: 'VOIDED' }
  /** Nothing, or not so much, is authorized. */
  | { readonly outcome: 'NOT_AUTHORIZED' };

export type VoidAnswer =
  /** `released` is what was ever blocked and is given up; undefined if nothing was. */
  | { readonly outcome: 'VOIDED'; readonly released: Money | undefined }
  /** Too late: `amount` was taken. */
  | { readonly outcome: 'CAPTURED'; readonly amount: bigint };

export type RefundAnswer =
  | { readonly outcome: 'REFUNDED' }
  /** More than was taken and not given back yet. */
  | { readonly outcome: 'REFUSED' };

export interface GatewayBooks {
  readonly authorizationCount: number;
  readonly captureCount: number;
  /** Undefined if the gateway was never asked to authorize. */
  readonly currency: string | undefined;
  /** Every authorization together, voided ones included. */
  readonly authorized: bigint;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly voided: boolean;
}

/** The gateway did not answer, or its answer was lost. Nothing is known of what was asked. */
export class GatewayInDoubt extends Error {
  override readonly name = 'GatewayInDoubt';

  constructor(
    readonly kind: 'UNAVAILABLE' | 'TIMEOUT',
    cause?: unknown,
  ) {
    super(`the gateway's answer is not known: ${kind}`, cause === undefined ? undefined : { cause });
  }
}
