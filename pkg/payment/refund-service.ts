import type { Money } from '../money/index.js';
import { inBackgroundSpan } from '../observability/index.js';
import { fingerprint, type Database, type Transaction } from '../postgres/index.js';
import { attemptAll } from './attempts.js';
import type { Payment } from './domain.js';
import type { PaymentEvents } from './events.js';
import type { PaymentGateway, RefundAnswer } from './gateway.js';
import { findPayment } from './payment-store.js';
import { booked, currencyMismatch, keyReused, refundRefused, settled } from './refusals.js';
import {
  cancelRefund,
  claimPendingRefunds,
  findRefund,
  insertRefund,
  lockPayment,
  settleRefund,
} from './refund-store.js';
import { afterRefund, decideRefund, type Refund, type RefundKey } from './refund.js';

export interface RefundServiceDeps {
  readonly db: Database;
  readonly gateway: PaymentGateway;
  readonly events: PaymentEvents;
  /** Time after which a refund without the gateway's answer is asked again, milliseconds. */
  readonly retryMs: number;
}

export interface RefundRequest extends RefundKey {
  /** Undefined: all that is left when the request first comes. */
  readonly amount: Money | undefined;
}

type PendingRefund = RefundKey & { readonly amount: bigint };

/** Refunds claimed at once by one replica to finish them. */
const claimLimit = 20;

/** Gives captured money back: reserves it, asks the gateway, books it. */
export class RefundService {
  readonly #deps: RefundServiceDeps;

  constructor(deps: RefundServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Returns the payment as it was after the refund, however often the request is repeated.
   *
   * @throws AppError PAYMENT_IN_DOUBT, REQUEST_ID_REUSED, CURRENCY_MISMATCH, and, kept with the key,
   *   PAYMENT_NOT_FOUND, ILLEGAL_TRANSITION, REFUND_EXCEEDS_CAPTURE
   */
  async refund(request: RefundRequest, signal: AbortSignal): Promise<Payment> {
    const { paymentId, requestId, amount } = request;
    const print = fingerprint({ amount: amount ? { ...amount } : null });
    const refund =
      (await findRefund(this.#deps.db, request)) ??
      (await this.#deps.db.transaction((tx) => this.#reserve(tx, request, print)));
    if (!refund.fingerprint.equals(print)) throw keyReused('request_id', requestId);
    if (refund.outcome.state !== 'PENDING') return this.#answer(refund);
    return this.#finish({ paymentId, requestId, amount: refund.outcome.amount }, signal);
  }

  /**
   * Finishes refunds whose gateway answer did not come in time. Replicas share the work.
   *
   * @throws AggregateError of those that failed again
   */
  async finishDueRefunds(signal: AbortSignal): Promise<void> {
    const due = await claimPendingRefunds(this.#deps.db, this.#deps.retryMs, claimLimit);
    await attemptAll(due.map((refund) => this.#finishOwed(refund, signal)));
  }

  #finishOwed(refund: PendingRefund, signal: AbortSignal): Promise<unknown> {
    const attributes = { 'payment.id': refund.paymentId };
    return inBackgroundSpan({ name: 'payment.finish_refund', attributes }, () =>
      this.#finish(refund, signal),
    );
  }

  async #reserve(tx: Transaction, request: RefundRequest, print: Buffer): Promise<Refund> {
    const { paymentId, requestId, amount } = request;
    const payment = await lockPayment(tx, paymentId);
    const known = await findRefund(tx, request);
    if (known) return known;
    const currency = payment?.charge?.currency;
    if (amount && currency !== undefined && amount.currency !== currency)
      throw currencyMismatch(paymentId, currency);
    const outcome = decideRefund(payment, amount?.minor);
    const refund = { paymentId, requestId, fingerprint: print, outcome };
    const made = (await insertRefund(tx, refund, this.#deps.retryMs)) ?? (await findRefund(tx, request));
    if (!made) throw new Error(`a refund of payment ${paymentId} is gone`);
    return made;
  }

  async #finish(refund: PendingRefund, signal: AbortSignal): Promise<Payment> {
    const { paymentId: key, requestId: refundKey, amount } = refund;
    const { db, gateway, events } = this.#deps;
    const answer = await settled(key, gateway.refund({ key, refundKey, amount, signal }));
    const refunded = await booked(
      key,
      db.transaction((tx) => book(tx, refund, answer)),
    );
    if (refunded) {
      events.changed({ change: 'REFUND', payment: refunded, amount });
      return refunded;
    }
    const finished = await booked(key, findRefund(db, refund));
    if (!finished) throw new Error(`a refund of payment ${key} is gone`);
    return this.#answer(finished);
  }

  async #answer(refund: Refund): Promise<Payment> {
    const { outcome, paymentId } = refund;
    if (outcome.state === 'REFUSED') throw refundRefused(refund, outcome.refusal);
    const payment = await findPayment(this.#deps.db, paymentId);
    if (!payment || outcome.state === 'PENDING')
      throw new Error(`payment ${paymentId} has a half-made refund`);
    return afterRefund(payment, outcome);
  }
}

/** Books the gateway's answer. Undefined if it moved no money or an equal call was faster. */
async function book(
  tx: Transaction,
  refund: PendingRefund,
  { outcome }: RefundAnswer,
): Promise<Payment | undefined> {
  await lockPayment(tx, refund.paymentId);
  const current = await findRefund(tx, refund);
  if (current?.outcome.state !== 'PENDING') return undefined;
  if (outcome === 'REFUNDED') return settleRefund(tx, refund, refund.amount);
  await cancelRefund(tx, refund, refund.amount);
  return undefined;
}
