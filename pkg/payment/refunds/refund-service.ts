import type { Money } from '../../money/index.js';
import { fingerprint, isSameRequest, type Transaction } from '../../postgres/index.js';
import { backoffOf, callGateway, drain } from '../background.js';
import type { OperatorNote, Payment } from '../domain.js';
import {
  awaitGateway,
  awaitRecording,
  currencyMismatch,
  keyReused,
  paymentNotFound,
  paymentPending,
  refundRejected,
  refundUndecided,
} from '../errors.js';
import type { RefundAnswer } from '../gateway/gateway.js';
import { recordCancellation, stateOf } from './cancel-refund.js';
import { findPayment } from '../payment-store.js';
import type { PaymentDeps } from '../service.js';
import {
  cancelRefund,
  claimDueRefunds,
  claimRefund,
  deferRefund,
  findRefund,
  insertExternalRefund,
  insertRefund,
  lockPayment,
  settleRefund,
} from './refund-store.js';
import {
  afterRefund,
  decideRefund,
  type CancelledRefund,
  type ClaimedRefund,
  type PendingRefund,
  type Refund,
  type RefundCancellation,
  type RefundKey,
} from './refund.js';

export interface RefundRequest extends RefundKey {
  /** If undefined, the first request refunds the whole remaining amount. */
  readonly amount: Money | undefined;
  /** Whether the money was returned outside the gateway, so that the refund is only recorded. */
  readonly isExternal?: boolean;
  /** Whether the calling code has just reserved the refund, and therefore holds its lease. */
  readonly isReserved?: boolean;
  readonly note?: OperatorNote;
}

/** A reserved refund, and whether this call has reserved it. */
interface Reservation {
  readonly refund: Refund;
  readonly isNew: boolean;
}

/** Refunds captured money in three steps: reserve the amount, call the gateway, record the gateway answer. */
export class RefundService {
  readonly #deps: PaymentDeps;

  constructor(deps: PaymentDeps) {
    this.#deps = deps;
  }

  /**
   * Returns the payment as it was right after the refund, also when the request is repeated.
   *
   * @throws AppError PAYMENT_IN_DOUBT, PAYMENT_NOT_FOUND, REQUEST_ID_REUSED, CURRENCY_MISMATCH, and the final
   *   rejections ILLEGAL_TRANSITION, REFUND_EXCEEDS_CAPTURE, REFUND_DECLINED, REFUND_CANCELLED, which are stored under the key
   */
  async refund(request: RefundRequest, signal: AbortSignal): Promise<Payment> {
    const { paymentId, requestId } = request;
    const requestFingerprint = fingerprintOf(request);
    const { refund, isNew } = await this.#findOrReserve(request, requestFingerprint, signal);
    if (!isSameRequest(refund.fingerprint, requestFingerprint)) throw keyReused('request_id', requestId);
    if (refund.outcome.state !== 'PENDING') return this.#resultOf(refund);
    const pending = { paymentId, requestId, amount: refund.outcome.amount };
    // The insertion of the refund has begun its lease.
    const claimed =
      isNew || request.isReserved
        ? { ...pending, attempts: 0 }
        : await awaitRecording(paymentId, this.#claim(pending));
    if (claimed) await this.#attempt(claimed, isNew, signal);
    return this.#finished(pending);
  }

  /**
   * Decides a refund by its key. After the state CANCELLED, no refund with the key takes effect: the gateway rejects one
   * that arrives late, and a tombstone rejects a later request.
   *
   * @throws AppError PAYMENT_IN_DOUBT
   */
  async cancel(cancellation: RefundCancellation, signal: AbortSignal): Promise<CancelledRefund> {
    const { db, gateway, events, times } = this.#deps;
    const { paymentId, requestId: refundKey } = cancellation;
    const known = await findRefund(db.within({ signal }), cancellation);
    if (known && known.outcome.state !== 'PENDING') return stateOf(known.outcome);
    const call = callGateway(signal, times, (limit) =>
      gateway.cancelRefund({ key: paymentId, refundKey, signal: limit }),
    );
    const answer = await awaitGateway(paymentId, call);
    const { refund, change } = await awaitRecording(
      paymentId,
      db.transaction((tx) => recordCancellation(tx, cancellation, { answer, leaseMs: times.leaseMs })),
    );
    if (change) events.changed(change);
    return refund;
  }

  /**
   * Finishes pending refunds that are due. Replicas share the work.
   *
   * @throws AggregateError of the refunds that failed again
   */
  finishDueRefunds(signal: AbortSignal): Promise<void> {
    const { db, times } = this.#deps;
    return drain(
      {
        name: 'payment.finish_refund',
        claim: (limit) => claimDueRefunds(db, times.leaseMs, limit),
        attempt: (refund) => this.#attempt(refund, false, signal),
      },
      signal,
    );
  }

  /** Records the gateway's answer. Publishes the change if this call makes it. */
  async recordAnswer(refund: PendingRefund, answer: RefundAnswer): Promise<void> {
    const { db, events } = this.#deps;
    const refunded = await awaitRecording(
      refund.paymentId,
      db.transaction((tx) => recordRefundAnswer(tx, refund, answer)),
    );
    if (refunded) events.changed({ change: 'REFUND', payment: refunded, amount: refund.amount });
  }

  async #findOrReserve(
    request: RefundRequest,
    requestFingerprint: Buffer,
    signal: AbortSignal,
  ): Promise<Reservation> {
    const db = this.#deps.db.within({ signal });
    const existing = await findRefund(db, request);
    if (existing) return { refund: existing, isNew: false };
    const { external, ...reservation } = await db.transaction((tx) =>
      this.#reserve(tx, request, requestFingerprint),
    );
    if (external) this.#deps.events.changed({ change: 'EXTERNAL_REFUND', ...external });
    return reservation;
  }

  async #reserve(
    tx: Transaction,
    request: RefundRequest,
    requestFingerprint: Buffer,
  ): Promise<Reservation & { readonly external?: { payment: Payment; amount: bigint } }> {
    const { paymentId, requestId, amount, note = {} } = request;
    const payment = await lockPayment(tx, paymentId);
    if (!payment) throw paymentNotFound(paymentId);
    const existing = await findRefund(tx, request);
    if (existing) return { refund: existing, isNew: false };
    const currency = payment.charge?.currency;
    if (amount && currency !== undefined && amount.currency !== currency)
      throw currencyMismatch(paymentId, currency);
    const outcome = decideRefund(payment, amount?.minor);
    if (outcome.state === 'UNDECIDED') throw refundUndecided(paymentId);
    const refund = { paymentId, requestId, fingerprint: requestFingerprint, note };
    const isRecorded = outcome.state === 'PENDING' && request.isExternal === true;
    const external = isRecorded
      ? {
          payment: await insertExternalRefund(tx, { ...refund, amount: outcome.amount }),
          amount: outcome.amount,
        }
      : undefined;
    if (!external) await insertRefund(tx, { ...refund, outcome }, this.#deps.times.leaseMs);
    const stored = await findRefund(tx, request);
    if (!stored) throw new Error(`a refund of payment ${paymentId} is missing`);
    return { refund: stored, isNew: true, ...(external ? { external } : {}) };
  }

  #claim(refund: PendingRefund): Promise<ClaimedRefund | undefined> {
    const { db, times } = this.#deps;
    return claimRefund(db, refund, times.leaseMs);
  }

  /**
   * @throws AppError PAYMENT_IN_DOUBT while the gateway has not decided, while another call holds the lease of the refund,
   *   and until the delay after a failed attempt has passed
   */
  async #finished(refund: PendingRefund): Promise<Payment> {
    const { paymentId } = refund;
    const finished = await awaitRecording(paymentId, findRefund(this.#deps.db, refund));
    if (!finished) throw new Error(`a refund of payment ${paymentId} is missing`);
    if (finished.outcome.state === 'PENDING') throw paymentPending(paymentId);
    return this.#resultOf(finished);
  }

  /** Asks the gateway and records its answer. While the answer is pending or unknown, a later attempt is due. */
  async #attempt(refund: ClaimedRefund, isNew: boolean, signal: AbortSignal): Promise<void> {
    const { db, times } = this.#deps;
    const { paymentId } = refund;
    let isAnswered = false;
    try {
      const call = callGateway(signal, times, (limit) => this.#ask(refund, isNew, limit));
      const answer = await awaitGateway(paymentId, call);
      if (answer.outcome === 'PENDING') return;
      await this.recordAnswer(refund, answer);
      isAnswered = true;
    } finally {
      // If the delay cannot be stored, the refund is due when its lease ends.
      if (!isAnswered) await deferRefund(db, refund, backoffOf(times)).catch(() => undefined);
    }
  }

  /** The gateway may have forgotten the key of an earlier request, so the refund is looked up by reference first. */
  async #ask(refund: PendingRefund, isNew: boolean, signal: AbortSignal): Promise<RefundAnswer> {
    const { paymentId: key, requestId: refundKey, amount } = refund;
    const { gateway } = this.#deps;
    const known = isNew ? undefined : await gateway.lookupRefund({ key, refundKey, signal });
    return known ?? gateway.refund({ key, refundKey, amount, signal });
  }

  async #resultOf(refund: Refund): Promise<Payment> {
    const { outcome, paymentId } = refund;
    if (outcome.state === 'REFUSED') throw refundRejected(refund, outcome.reason);
    const payment = await findPayment(this.#deps.db, paymentId);
    if (!payment || outcome.state === 'PENDING')
      throw new Error(`payment ${paymentId} has an unfinished refund`);
    return afterRefund(payment, outcome);
  }
}

/** Actor and reason are notes for operators: requests that differ only in these notes are equal. */
export function fingerprintOf({ amount, isExternal }: RefundRequest): Buffer {
  const channel = isExternal ? 'EXTERNAL' : undefined;
  return fingerprint({ amount: amount ? { ...amount } : null, channel });
}

/**
 * Returns the payment after the refund; undefined if the gateway declined the refund, or if another call has recorded
 * the answer.
 */
export async function recordRefundAnswer(
  tx: Transaction,
  refund: PendingRefund,
  { outcome }: RefundAnswer,
): Promise<Payment | undefined> {
  await lockPayment(tx, refund.paymentId);
  const current = await findRefund(tx, refund);
  if (current?.outcome.state !== 'PENDING') return undefined;
  if (outcome === 'REFUNDED') return settleRefund(tx, refund);
  if (outcome === 'DECLINED') await cancelRefund(tx, refund);
  return undefined;
}
