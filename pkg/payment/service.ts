import type { Money } from '../money/index.js';
import type { Database } from '../postgres/index.js';
import type { CallOptions } from '../rpc/index.js';
import { callGateway, type RetryTimes } from './background.js';
import { isIntent, isTombstone, verdicts, type OperatorNote, type Payment } from './domain.js';
import {
  amountExceedsAuthorization,
  awaitGateway,
  currencyMismatch,
  gatewayUnavailable,
  illegalTransition,
  keyReused,
  paymentNotFound,
  paymentPending,
} from './errors.js';
import type { PaymentEvents } from './events.js';
import {
  GatewayInDoubt,
  type GatewayRecord,
  type GatewayTransaction,
  type PaymentGateway,
} from './gateway/gateway.js';
import { Authorizer, type Authorization } from './intents/authorizer.js';
import { PaymentLedger } from './ledger.js';
import type { PaymentBatches } from './payment-batches.js';
import type { Capture } from './payment-store.js';
import { listKnownPayments, listPayments, type Page, type PageRequest } from './listing/store.js';
import { RefundService } from './refunds/refund-service.js';
import { PendingVoids } from './voids.js';

export interface PaymentDeps {
  readonly db: Database;
  readonly gateway: PaymentGateway;
  readonly events: PaymentEvents;
  readonly times: RetryTimes;
}

export interface PaymentServiceDeps extends PaymentDeps {
  readonly batches: PaymentBatches;
}

export interface TransactionPage {
  readonly transactions: readonly GatewayTransaction[];
  /** The keys among the transactions that belong to a payment of this service. */
  readonly known: ReadonlySet<string>;
  readonly hasMore: boolean;
}

export interface TransactionRequest {
  /** If set, the page contains only the transactions of this payment. */
  readonly paymentId: string | undefined;
  /** Id of the last transaction of the previous page; undefined for the first page. */
  readonly after: string | undefined;
  readonly size: number;
}

/**
 * Authorizes, captures and voids payments. The gateway decides, and the payments table records the decision: no
 * transaction is open during a gateway call, and only a definite answer is stored. The service does not retry a failed
 * gateway call; the caller repeats its request.
 */
export class PaymentService {
  readonly #deps: PaymentServiceDeps;
  readonly #ledger: PaymentLedger;
  readonly #voids: PendingVoids;
  readonly #authorizer: Authorizer;

  constructor(deps: PaymentServiceDeps) {
    this.#deps = deps;
    this.#ledger = new PaymentLedger(deps);
    this.#voids = new PendingVoids({ ...deps, ledger: this.#ledger, refunds: new RefundService(deps) });
    this.#authorizer = new Authorizer({ ...deps, ledger: this.#ledger, voids: this.#voids });
  }

  /** See {@link Authorizer.authorize}. */
  authorize(authorization: Authorization, signal: AbortSignal): Promise<Payment> {
    return this.#authorizer.authorize(authorization, signal);
  }

  /**
   * Captures `requested`, or the whole authorized amount if `requested` is undefined. The payment id is the idempotency
   * key: a captured payment is returned for an equal or unset amount, and another amount is rejected as
   * REQUEST_ID_REUSED. An expired authorization and a declined capture are results: the payment is EXPIRED, or AUTHORIZED
   * with `captureDecline`. An authorization that the gateway no longer has for the amount counts as expired.
   *
   * @throws AppError PAYMENT_IN_DOUBT, PAYMENT_NOT_FOUND, ILLEGAL_TRANSITION, CURRENCY_MISMATCH,
   *   REQUEST_ID_REUSED, or VALIDATION_FAILED if the amount exceeds the authorization
   */
  async capture(
    paymentId: string,
    requested: Money | undefined,
    signal: AbortSignal,
    note: OperatorNote = {},
  ): Promise<Payment> {
    const payment = await this.get(paymentId, { signal });
    checkAmount(payment, requested);
    const verdict = verdicts.CAPTURE[payment.state];
    const amount = requested?.minor ?? payment.charge?.amount;
    if (verdict === 'IN_DOUBT') throw paymentPending(paymentId);
    if (verdict === 'REJECT' || isTombstone(payment) || amount === undefined)
      throw illegalTransition(payment, 'CAPTURE');
    if (payment.state === 'EXPIRED' || payment.captureDecline) return payment;
    if (verdict === 'UNCHANGED') return requireCaptured(payment, requested);
    return this.#capture({ id: paymentId, amount, ...note }, requested, signal);
  }

  async #capture(
    { id: paymentId, amount, ...note }: Capture,
    requested: Money | undefined,
    signal: AbortSignal,
  ): Promise<Payment> {
    const call = this.#call(signal, (gateway, limit) =>
      gateway.capture({ key: paymentId, amount, signal: limit }),
    );
    const answer = await awaitGateway(paymentId, call);
    switch (answer.outcome) {
      case 'CAPTURED':
        return requireCaptured(await this.#ledger.capture(paymentId, answer.amount, note), requested);
      case 'DECLINED':
        return this.#ledger.declineCapture(paymentId, answer.decline);
      case 'EXPIRED':
        return this.#ledger.expire(paymentId);
      case 'VOIDED':
        throw illegalTransition(await this.#ledger.void(paymentId), 'CAPTURE');
      case 'NOT_AUTHORIZED':
        return this.#releaseRest(paymentId, requested, signal);
    }
  }

  /**
   * Ends a payment whose authorization no longer covers the capture. The gateway may hold a smaller amount, which the void
   * releases; then the payment is EXPIRED.
   */
  async #releaseRest(paymentId: string, requested: Money | undefined, signal: AbortSignal): Promise<Payment> {
    const call = this.#call(signal, (gateway, limit) => gateway.void({ key: paymentId, signal: limit }));
    const answer = await awaitGateway(paymentId, call);
    if (answer.outcome === 'CAPTURED')
      return requireCaptured(await this.#ledger.capture(paymentId, answer.amount), requested);
    const payment = await this.#ledger.expireReleased(paymentId);
    if (payment.state === 'VOIDED') throw illegalTransition(payment, 'CAPTURE');
    return payment;
  }

  /**
   * Releases an authorization, also one whose answer is unknown. Inserts a tombstone for an unknown payment. If the gateway
   * has captured a charge with the id of a tombstone, the charge is recorded and refunded. The void of an operator asks the
   * gateway also about a VOIDED or EXPIRED payment, and records a capture that the gateway has.
   *
   * @throws AppError PAYMENT_IN_DOUBT, or ILLEGAL_TRANSITION after a capture
   */
  async void(paymentId: string, signal: AbortSignal, note: OperatorNote = {}): Promise<Payment> {
    const found =
      (await this.#deps.batches.find(paymentId, { signal })) ??
      (await this.#ledger.insertVoidTombstone({ paymentId }, note));
    const payment = isIntent(found) ? await this.#ledger.voidIntent(paymentId, note) : found;
    if (isIntent(payment)) throw paymentPending(paymentId);
    switch (verdicts.VOID[payment.state]) {
      case 'EXECUTE':
        return this.#void(paymentId, signal, note);
      case 'UNCHANGED':
        return this.#confirmVoid(payment, signal, note);
      case 'REJECT':
      case 'IN_DOUBT':
        throw illegalTransition(payment, 'VOID');
    }
  }

  /** @throws AppError ILLEGAL_TRANSITION if the gateway captured the payment before the void */
  async #confirmVoid(payment: Payment, signal: AbortSignal, note: OperatorNote): Promise<Payment> {
    const isAskedAgain = note.actor !== undefined && payment.state !== 'DECLINED';
    if (!payment.voidPending && !isAskedAgain) return payment;
    const confirmed = payment.voidPending
      ? await this.#voids.confirm(payment, signal)
      : await this.#voids.voidAgain(payment, signal, note);
    if (verdicts.VOID[confirmed.state] === 'REJECT') throw illegalTransition(confirmed, 'VOID');
    return confirmed;
  }

  async #void(paymentId: string, signal: AbortSignal, note: OperatorNote): Promise<Payment> {
    const call = this.#call(signal, (gateway, limit) => gateway.void({ key: paymentId, signal: limit }));
    const answer = await awaitGateway(paymentId, call);
    switch (answer.outcome) {
      case 'VOIDED':
        return this.#ledger.void(paymentId, note);
      case 'EXPIRED':
        return this.#ledger.expire(paymentId);
      case 'CAPTURED':
        throw illegalTransition(await this.#ledger.capture(paymentId, answer.amount), 'VOID');
    }
  }

  /** @throws AppError PAYMENT_NOT_FOUND */
  async get(paymentId: string, options: CallOptions = {}): Promise<Payment> {
    const payment = await this.#deps.batches.find(paymentId, options);
    if (!payment) throw paymentNotFound(paymentId);
    return payment;
  }

  /**
   * Returns a payment with the gateway's own record. The payment is undefined if only the gateway knows it.
   *
   * @throws AppError PAYMENT_NOT_FOUND if the gateway does not know the payment either, or DEPENDENCY_UNAVAILABLE
   */
  async getWithAudit(
    paymentId: string,
    signal: AbortSignal,
  ): Promise<{ payment: Payment | undefined; record: GatewayRecord }> {
    const [payment, record] = await Promise.all([
      this.#deps.batches.find(paymentId, { signal }),
      this.audit(paymentId, signal),
    ]);
    const isKnown = record.authorization !== undefined || record.authorizationCount > 0;
    if (!payment && !isKnown) throw paymentNotFound(paymentId);
    return { payment, record };
  }

  /**
   * Returns the gateway's own record of a payment.
   *
   * @throws AppError DEPENDENCY_UNAVAILABLE
   */
  audit(paymentId: string, signal: AbortSignal): Promise<GatewayRecord> {
    return readGateway(
      this.#call(signal, (gateway, limit) => gateway.lookup({ key: paymentId, signal: limit })),
    );
  }

  /**
   * Returns a page of the gateway's own ledger, oldest first.
   *
   * @throws AppError DEPENDENCY_UNAVAILABLE
   */
  async listTransactions(
    { paymentId: key, after, size }: TransactionRequest,
    signal: AbortSignal,
  ): Promise<TransactionPage> {
    const { db } = this.#deps;
    const page = { key, after, limit: size + 1 };
    const found = await readGateway(
      this.#call(signal, (gateway, limit) => gateway.listTransactions({ ...page, signal: limit })),
    );
    const listed = found.slice(0, size);
    const known = await listKnownPayments(db.within({ signal }), [
      ...new Set(listed.map((transaction) => transaction.key)),
    ]);
    return {
      transactions: listed,
      known,
      hasMore: found.length > size,
    };
  }

  list(page: PageRequest, options: CallOptions = {}): Promise<Page> {
    return listPayments(this.#deps.db.within(options), page);
  }

  /** See {@link PendingVoids.confirmDue}. */
  confirmDueVoids(signal: AbortSignal): Promise<void> {
    return this.#voids.confirmDue(signal);
  }

  /** See {@link Authorizer.resolveDue}. */
  resolveDueIntents(signal: AbortSignal): Promise<void> {
    return this.#authorizer.resolveDue(signal);
  }

  #call<T>(
    signal: AbortSignal,
    call: (gateway: PaymentGateway, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { gateway, times } = this.#deps;
    return callGateway(signal, times, (limit) => call(gateway, limit));
  }
}

/** @throws AppError DEPENDENCY_UNAVAILABLE */
async function readGateway<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw error instanceof GatewayInDoubt ? gatewayUnavailable(error) : error;
  }
}

function checkAmount({ id, charge }: Payment, requested: Money | undefined): void {
  if (!charge || !requested) return;
  if (requested.currency !== charge.currency) throw currencyMismatch(id, charge.currency);
  if (requested.minor > charge.amount) throw amountExceedsAuthorization();
}

/** @throws AppError REQUEST_ID_REUSED if another amount was captured */
function requireCaptured(payment: Payment, requested: Money | undefined): Payment {
  if (requested && requested.minor !== payment.charge?.captured) throw keyReused('payment_id', payment.id);
  return payment;
}
