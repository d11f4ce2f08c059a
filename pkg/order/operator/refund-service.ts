import { isAppError } from '../../errors/index.js';
import { inBackgroundSpan } from '../../observability/index.js';
import type { Database, Transaction } from '../../postgres/index.js';
import type { CallOptions } from '../../rpc/index.js';
import { backoffMs, type Clock, type IdSource } from '../../runtime/index.js';
import type { Order, RefundOrder, SagaOrder } from '../domain.js';
import type { OrderEvents } from '../events.js';
import { recordProgress } from '../saga/store.js';
import { findOrder, lockOrder } from '../store.js';
import { orderNotFound, requestIdReused } from './errors.js';
import {
  applyRefund,
  decideRefund,
  isRepetition,
  refundInDoubt,
  refundRefused,
  type OrderRefund,
  type RefundAnswer,
  type RefundPort,
} from './refund.js';
import {
  claimDueOrderRefunds,
  findOrderRefund,
  finishOrderRefund,
  insertOrderRefund,
  postponeOrderRefund,
} from './refund-store.js';

export interface RefundServiceDeps {
  readonly db: Database;
  readonly refunds: RefundPort;
  readonly clock: Clock;
  readonly newId: IdSource;
  readonly events: OrderEvents;
  /** Maximum duration of one attempt. */
  readonly attemptTimeoutMs: number;
  /** Called after every stored change of an order. */
  readonly onProgress: (orderId: string) => void;
}

/** Time to record the answer of an attempt before another replica may repeat the attempt. */
const recordMarginMs = 5000;
const backoff = { baseMs: 250, capMs: 10_000 };
/** Maximum number of refunds that a replica attempts at the same time in the background. */
export const refundClaimLimit = 16;

/**
 * Refunds a part of the money of an order in three steps: store the intent, call the payment service, record the
 * answer. If a crash interrupts a refund, or its outcome is in doubt, the refund is finished in the background.
 */
export class RefundService {
  readonly #deps: RefundServiceDeps;

  constructor(deps: RefundServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Returns the order after the refund. A repeated request returns the current order, or the stored rejection.
   *
   * @throws AppError ORDER_NOT_FOUND, REQUEST_ID_REUSED, CURRENCY_MISMATCH, ILLEGAL_TRANSITION,
   *   REFUND_EXCEEDS_CAPTURE, REFUND_DECLINED, REFUND_CANCELLED, and PAYMENT_IN_DOUBT while the refund is pending
   */
  async refund(request: RefundOrder, options: CallOptions): Promise<Order> {
    const db = this.#deps.db.within(options);
    const refund =
      (await findOrderRefund(db, request)) ?? (await db.transaction((tx) => this.#storeIntent(tx, request)));
    if (!isRepetition(request, refund)) throw requestIdReused(request.requestId);
    const answer = refund.outcome.state === 'PENDING' ? await this.#finish(refund, options) : refund.outcome;
    if (answer.state === 'REFUSED') throw refundRefused(refund, answer.refusal);
    const order = await findOrder(db, request.orderId);
    if (!order) throw orderNotFound(request.orderId);
    return order;
  }

  /**
   * Claims due refunds in `claims` and finishes the refunds.
   * @returns the number of claimed refunds
   * @throws AggregateError of the refunds that are still in doubt
   */
  async finishDue(claims: Database, signal: AbortSignal): Promise<number> {
    const claimed = await claimDueOrderRefunds(claims, this.#leaseMs, refundClaimLimit);
    const results = await Promise.allSettled(
      claimed.map((refund) => {
        const attributes = { 'order.id': refund.orderId, 'payment.id': refund.paymentId };
        return inBackgroundSpan({ name: 'order.finish_refund', attributes }, () =>
          this.#finish(refund, { signal }),
        );
      }),
    );
    const failures = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    if (failures.length > 0)
      throw new AggregateError(failures, `${failures.length} of ${claimed.length} attempts failed`);
    return claimed.length;
  }

  get #leaseMs(): number {
    return this.#deps.attemptTimeoutMs + recordMarginMs;
  }

  async #storeIntent(tx: Transaction, request: RefundOrder): Promise<OrderRefund> {
    const order = await lockOrder(tx, request.orderId);
    if (!order) throw orderNotFound(request.orderId);
    const existing = await findOrderRefund(tx, request);
    if (existing) return existing;
    const outcome = decideRefund(order, request.amount);
    const refund = {
      ...request,
      id: this.#deps.newId(),
      paymentId: order.paymentId,
      outcome,
      attempts: 0,
    };
    await insertOrderRefund(tx, refund, this.#leaseMs);
    return refund;
  }

  /** @throws AppError PAYMENT_IN_DOUBT */
  async #finish(refund: OrderRefund, { deadline = Infinity, signal }: CallOptions): Promise<RefundAnswer> {
    const { db, refunds, attemptTimeoutMs } = this.#deps;
    const attempt = {
      deadline: Math.min(deadline, Date.now() + attemptTimeoutMs),
      ...(signal && { signal }),
    };
    try {
      const answer = await refunds.refund(refund, attempt);
      const order = await db.transaction((tx) => this.#record(tx, refund, answer));
      if (order) this.#announce(refund, order, answer);
      return answer;
    } catch (doubt) {
      const delayMs = backoffMs(refund.attempts + 1, backoff);
      // If the new due time cannot be stored, the refund is due when its lease ends.
      await postponeOrderRefund(db, refund.id, delayMs).catch(() => undefined);
      throw isAppError(doubt) ? refundInDoubt(refund.orderId, doubt) : doubt;
    }
  }

  /** Stores the result, the refunded amount and the timeline entry in one commit. */
  async #record(tx: Transaction, refund: OrderRefund, answer: RefundAnswer): Promise<SagaOrder | undefined> {
    const current = await lockOrder(tx, refund.orderId);
    if (!current) throw orderNotFound(refund.orderId);
    // A concurrent attempt of this refund has already recorded the answer, which is the same for both attempts.
    if (!(await finishOrderRefund(tx, refund.id, answer))) return undefined;
    const { order, entry } = applyRefund(current, refund, { answer, now: this.#deps.clock.now() });
    const expected = { revision: current.revision };
    // A saga that drives the order is superseded by the new revision, so the order is due at once.
    const next = order.block ? ({ kind: 'BLOCKED' } as const) : ({ kind: 'PARKED', delayMs: 0 } as const);
    if (!(await recordProgress(tx, { order, entries: [entry], expected, next })))
      throw new Error(`order ${order.id} changed while its row was locked`);
    return order;
  }

  #announce({ actor }: OrderRefund, order: SagaOrder, { state }: RefundAnswer): void {
    const { events, onProgress } = this.#deps;
    events.operated(order, { step: 'REFUND_ORDER', outcome: state, actor });
    onProgress(order.id);
  }
}
