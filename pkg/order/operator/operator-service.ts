import type { Database, Transaction } from '../../postgres/index.js';
import type { CallOptions } from '../../rpc/index.js';
import type { Clock, IdSource } from '../../runtime/index.js';
import type { Block, OperatorAction, Order, RefundOrder, SagaOrder } from '../domain.js';
import type { OrderEvents } from '../events.js';
import { recordProgress } from '../saga/store.js';
import { findOrder, lockOrder } from '../store.js';
import { isResolvedBy, resolveOrder, retryOrder, type OperatorChange } from './blocked-order.js';
import { blockedAgain, orderNotFound } from './errors.js';
import type { RefundService } from './refund-service.js';
import type { ResolutionPort } from './resolution.js';
import { storeResolution } from './resolution-store.js';

export interface OperatorServiceDeps {
  readonly db: Database;
  readonly refunds: Pick<RefundService, 'refund'>;
  readonly resolutions: ResolutionPort;
  readonly clock: Clock;
  readonly newId: IdSource;
  readonly events: OrderEvents;
  /** Called after every stored change of an order. */
  readonly onProgress: (orderId: string) => void;
}

/** Actions of operators on orders. Every action has a timeline entry with actor and reason. */
export class OperatorService {
  readonly #deps: OperatorServiceDeps;

  constructor(deps: OperatorServiceDeps) {
    this.#deps = deps;
  }

  /** See {@link RefundService.refund}. */
  refundOrder(request: RefundOrder, options: CallOptions): Promise<Order> {
    return this.#deps.refunds.refund(request, options);
  }

  /**
   * Ends the block of an unfinished order and makes the order due. A saga that drives the order is superseded: its
   * later writes are rejected, and the replica that claims the order repeats the step.
   * @throws AppError ORDER_NOT_FOUND, ILLEGAL_TRANSITION for a terminal order
   */
  retryOrder(action: OperatorAction, options: CallOptions = {}): Promise<Order> {
    return this.#change(action, options, async (tx, order) => {
      const change = retryOrder(order, action, this.#context());
      await store(tx, order, change);
      return change;
    });
  }

  /**
   * Ends the block of an order whose step has taken effect by other means, and makes the order due. A repeated call of
   * the same actor with the same reason returns the order. The void of a blocked void, the external refund of a blocked
   * refund, or the release of a blocked release is stored before the block ends, so that no replica, also of an earlier
   * version, can charge the payment, refund the money at the gateway or leave the stock reserved or committed.
   * @throws AppError ORDER_NOT_FOUND, ILLEGAL_TRANSITION for an order that is not blocked, CONFLICT, and the errors of
   *   {@link ResolutionPort.apply}
   */
  async resolveOrder(action: OperatorAction, options: CallOptions = {}): Promise<Order> {
    const applied = await this.#applyResolution(action, options);
    return this.#change(action, options, async (tx, order) => {
      if (isResolvedBy(order, action)) return undefined;
      if (order.block && order.block.since.getTime() !== applied?.since.getTime()) throw blockedAgain(order);
      const change = resolveOrder(order, action, this.#context());
      await store(tx, order, change);
      await storeResolution(tx, order.id, change.resolution);
      return change;
    });
  }

  /** Returns the block that the resolution applies to; undefined when the order is not blocked. */
  async #applyResolution(action: OperatorAction, options: CallOptions): Promise<Block | undefined> {
    const order = await findOrder(this.#deps.db.within(options), action.orderId);
    if (order?.block) await this.#deps.resolutions.apply(order, action, options);
    return order?.block;
  }

  /** Runs `act` on the locked order, and returns the order after the action. */
  async #change(
    { orderId }: OperatorAction,
    options: CallOptions,
    act: (tx: Transaction, order: SagaOrder) => Promise<OperatorChange | undefined>,
  ): Promise<Order> {
    const { events, onProgress } = this.#deps;
    const db = this.#deps.db.within(options);
    const change = await db.transaction(async (tx) => {
      const order = await lockOrder(tx, orderId);
      if (!order) throw orderNotFound(orderId);
      return act(tx, order);
    });
    if (change) {
      const { step, outcome, actor = '' } = change.entry;
      events.operated(change.order, { step, outcome, actor });
      onProgress(orderId);
    }
    // The stored order has the due time.
    const order = await findOrder(db, orderId);
    if (!order) throw orderNotFound(orderId);
    return order;
  }

  #context() {
    return { now: this.#deps.clock.now(), newId: this.#deps.newId };
  }
}

async function store(
  tx: Transaction,
  { revision }: SagaOrder,
  { order, entry }: OperatorChange,
): Promise<void> {
  const next = { kind: 'PARKED', delayMs: 0 } as const;
  if (!(await recordProgress(tx, { order, entries: [entry], expected: { revision }, next })))
    throw new Error(`order ${order.id} changed while its row was locked`);
}
