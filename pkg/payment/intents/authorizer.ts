import type { Money } from '../../money/index.js';
import { fingerprint, isSameRequest, type Database } from '../../postgres/index.js';
import { backoffOf, callGateway, drain, type RetryTimes } from '../background.js';
import { isIntent, isTombstone, wasNeverAuthorized, type Charge, type Payment } from '../domain.js';
import {
  awaitGateway,
  keyReused,
  orderHasLivePayment,
  otherPaymentPending,
  paymentPending,
  paymentVoided,
} from '../errors.js';
import type {
  AuthorizationStatus,
  AuthorizeAnswer,
  GatewayRecord,
  PaymentGateway,
} from '../gateway/gateway.js';
import type { PaymentLedger } from '../ledger.js';
import { findPaymentAndConflict, type PaymentRequest } from '../payment-store.js';
import type { PendingVoids } from '../voids.js';
import { claimDueIntents, deferIntent, type ClaimedIntent } from './store.js';

export interface Authorization {
  readonly paymentId: string;
  readonly orderId: string;
  readonly amount: Money;
  /** Secret payment-method token. Only the gateway receives it. */
  readonly method: string;
}

export interface AuthorizerDeps {
  readonly db: Database;
  readonly gateway: PaymentGateway;
  readonly ledger: PaymentLedger;
  readonly voids: PendingVoids;
  readonly times: RetryTimes;
}

/**
 * Authorizes payments. The payment is stored as PENDING (an intent) before the gateway is asked, so that a crash leaves
 * no charge without a record. The answer is stored in a second commit. An intent without an answer is looked up at the
 * gateway by reference, by a repeated request or in the background.
 */
export class Authorizer {
  readonly #deps: AuthorizerDeps;

  constructor(deps: AuthorizerDeps) {
    this.#deps = deps;
  }

  /**
   * Authorizes the amount at the gateway, or returns the existing payment with this id.
   *
   * @throws AppError PAYMENT_IN_DOUBT, PAYMENT_VOIDED, REQUEST_ID_REUSED, or ILLEGAL_TRANSITION if the
   *   order has another live payment. ILLEGAL_TRANSITION is final, also after the other payment has ended
   */
  async authorize({ method, ...details }: Authorization, signal: AbortSignal): Promise<Payment> {
    const { ledger } = this.#deps;
    const request = {
      ...details,
      fingerprint: fingerprint({ ...details, method, amount: { ...details.amount } }),
    };
    const created = await ledger.insertIntent(request, { signal });
    if (created) return this.#finish(await this.#ask(request, method, signal), signal);
    const existing = await this.#findOrReject(request);
    const { charge } = existing;
    if (charge && !isTombstone(existing) && !isChargeOf(charge, request))
      throw keyReused('payment_id', existing.id);
    if (!isIntent(existing)) return this.#finish(existing, signal);
    return this.#finish(await this.#askAgain(request, method, signal), signal);
  }

  /**
   * Looks up the intents that are due. Replicas share the work.
   *
   * @throws AggregateError of the failed look-ups
   */
  resolveDue(signal: AbortSignal): Promise<void> {
    const { db, times } = this.#deps;
    return drain(
      {
        name: 'payment.resolve_intent',
        claim: (limit) => claimDueIntents(db, times.leaseMs, limit),
        attempt: (claimed) => this.#resolve(claimed, signal),
      },
      signal,
    );
  }

  /**
   * Returns the payment with this id, or a VOIDED payment if the order has another live payment.
   *
   * @throws AppError PAYMENT_IN_DOUBT while the other payment has no answer; nothing is stored
   */
  async #findOrReject(request: PaymentRequest): Promise<Payment> {
    const { db, ledger } = this.#deps;
    const { paymentId, orderId } = request;
    const { payment, conflict } = await findPaymentAndConflict(db, paymentId, orderId);
    if (payment) return payment;
    if (conflict === undefined || conflict === 'PENDING') throw otherPaymentPending(paymentId, orderId);
    return ledger.insertVoidTombstone(request);
  }

  /** @throws AppError for a VOIDED payment that was never authorized */
  async #finish(payment: Payment, signal: AbortSignal): Promise<Payment> {
    const { id, charge, voidPending, voidedIntent } = payment;
    if (payment.state === 'PENDING') throw paymentPending(id);
    if (!isTombstone(payment) && !wasNeverAuthorized(payment)) return payment;
    // The gateway may have approved this call or an earlier call. The void releases the approved amount.
    const ended = voidPending ? await this.#deps.voids.confirm(payment, signal) : payment;
    if (charge?.orderId === undefined) throw paymentVoided(id);
    if (!wasNeverAuthorized(ended)) return ended;
    throw voidedIntent ? paymentVoided(id) : orderHasLivePayment(id, charge.orderId);
  }

  async #ask(request: PaymentRequest, method: string, signal: AbortSignal): Promise<Payment> {
    const { paymentId: key, orderId, amount } = request;
    const { gateway, times } = this.#deps;
    const call = callGateway(signal, times, (limit) =>
      gateway.authorize({ key, orderId, amount, method, signal: limit }),
    );
    return this.#record(key, await awaitGateway(key, call));
  }

  /** The gateway may have forgotten the key of an earlier request, so the payment is looked up by reference first. */
  async #askAgain(request: PaymentRequest, method: string, signal: AbortSignal): Promise<Payment> {
    const { ledger } = this.#deps;
    const { paymentId: key } = request;
    await ledger.touchIntent(key);
    const found = await this.#lookup(key, signal);
    return found.authorization
      ? this.#recordFound(key, found.authorization, found.captured)
      : this.#ask(request, method, signal);
  }

  async #lookup(key: string, signal: AbortSignal): Promise<GatewayRecord> {
    const { gateway, times } = this.#deps;
    const call = callGateway(signal, times, (limit) => gateway.lookup({ key, signal: limit }));
    return awaitGateway(key, call);
  }

  /** Records what a look-up found. This may be a capture that a replica of an earlier version has requested. */
  async #recordFound(
    paymentId: string,
    authorization: AuthorizationStatus,
    captured: bigint,
  ): Promise<Payment> {
    const payment = await this.#record(paymentId, authorization);
    return payment.state === 'AUTHORIZED' && captured > 0n
      ? this.#deps.ledger.capture(paymentId, captured)
      : payment;
  }

  #record(paymentId: string, answer: AuthorizeAnswer): Promise<Payment> {
    const { ledger } = this.#deps;
    switch (answer.outcome) {
      case 'PENDING':
        return ledger.find(paymentId);
      case 'VOIDED':
        return ledger.voidIntent(paymentId);
      case 'KEY_REUSED':
        throw keyReused('payment_id', paymentId);
      case 'APPROVED':
      case 'DECLINED':
      case 'EXPIRED':
      case 'ACTION_REQUIRED':
        return ledger.recordAnswer(paymentId, answer);
    }
  }

  /**
   * Records the gateway's answer. An authorization that the gateway does not know is voided by reference when no caller
   * has repeated its request for a time, so that a late call cannot take effect.
   */
  async #resolve(claimed: ClaimedIntent, signal: AbortSignal): Promise<void> {
    const { paymentId } = claimed;
    const { db, ledger, voids, times } = this.#deps;
    let isAnswered = false;
    try {
      const { authorization, captured } = await this.#lookup(paymentId, signal);
      const payment = authorization
        ? await this.#recordFound(paymentId, authorization, captured)
        : await ledger.abandonIntent(paymentId);
      isAnswered = !isIntent(payment);
      if (payment.holdsVoid) await voids.confirm(payment, signal);
    } finally {
      // If the delay cannot be stored, the payment is due when the lease of the claim ends.
      if (!isAnswered) await deferIntent(db, claimed, backoffOf(times)).catch(() => undefined);
    }
  }
}

/** Compares the stored fields when the fingerprint has a later version. The payment method is not stored. */
function isChargeOf(charge: Charge, { orderId, amount, fingerprint: current }: PaymentRequest): boolean {
  const hasEqualFields = (): boolean =>
    charge.orderId === orderId && charge.currency === amount.currency && charge.amount === amount.minor;
  return charge.fingerprint !== undefined && isSameRequest(charge.fingerprint, current, hasEqualFields);
}
