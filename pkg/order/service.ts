import { AppError } from '../errors/index.js';
import { currentTraceId } from '../observability/index.js';
import { fingerprint, isSameRequest, withIdempotencyKey, type Database } from '../postgres/index.js';
import type { CallOptions } from '../rpc/index.js';
import type { Clock, IdSource } from '../runtime/index.js';
import { awaitTerminal, type AcceptedOrder, type WaitOptions } from './watch/await-terminal.js';
import { beginCancellation } from './cancel-order.js';
import type { Cancellation, Order, OrderRequest, SagaOrder, TimelineEntry } from './domain.js';
import type { OrderEvents } from './events.js';
import { orderNotFound, orderUnreadable } from './operator/errors.js';
import type { OperatorService } from './operator/operator-service.js';
import type { OrderBatches } from './order-batches.js';
import type { OrderFeed } from './watch/order-feed.js';
import { listOrders, type OrderFilter, type OrderPage, type PageRequest } from './listing-store.js';
import { checkExpectedTotal, hasExpectedTotal, placeOrder } from './place-order.js';
import type { CatalogPort } from './ports.js';
import type { Permit, SagaRunner } from './saga/runner.js';
import { recordProgress, type NextDrive } from './saga/store.js';
import { findByRequestId, findOrderRows, lockOrder, readTimeline, toOrders } from './store.js';

export interface OrderServiceDeps {
  readonly db: Database;
  readonly orders: OrderBatches;
  readonly catalog: CatalogPort;
  readonly runner: SagaRunner;
  readonly feed: OrderFeed;
  readonly clock: Clock;
  readonly newId: IdSource;
  readonly instance: string;
  readonly events: OrderEvents;
  readonly operators: OperatorService;
}

/**
 * Maximum number of concurrent look-ups while no slot is free. A look-up checks whether a request repeats an accepted
 * request. More look-ups would take the database connections of accepted orders.
 */
const maxLookups = 4;

/** Accepts orders and cancellations, starts their sagas, and reads orders. */
export class OrderService {
  readonly #deps: OrderServiceDeps;
  /** Number of look-ups in progress, of requests that found no free slot. */
  #lookups = 0;

  constructor(deps: OrderServiceDeps) {
    this.#deps = deps;
  }

  /** Actions of operators. */
  get operators(): OperatorService {
    return this.#deps.operators;
  }

  /**
   * Accepts an order and waits until the order is terminal. Returns the current order if `deadline` passes or
   * `signal` aborts first. The saga of the order continues.
   * @throws AppError PRODUCT_NOT_FOUND, CURRENCY_MISMATCH, PRICE_CHANGED, VALIDATION_FAILED, REQUEST_ID_REUSED,
   *   OVERLOADED, SHUTTING_DOWN, DEPENDENCY_UNAVAILABLE
   */
  async createOrder(request: OrderRequest, options: WaitOptions): Promise<Order> {
    return awaitTerminal(this.#deps, await this.#admit(request, options), options);
  }

  /** Accepts an order in a free slot. Without a free slot, only a repetition of an accepted request is answered. */
  async #admit(request: OrderRequest, options: CallOptions): Promise<AcceptedOrder> {
    let permit: Permit;
    try {
      permit = this.#deps.runner.admit();
    } catch (error) {
      return this.#repeated(request, error, options);
    }
    try {
      return await this.#accept(request, options);
    } finally {
      permit.release();
    }
  }

  /** Throws `rejection` when the request was not accepted before, or when too many requests are looked up. */
  async #repeated(request: OrderRequest, rejection: unknown, options: CallOptions): Promise<AcceptedOrder> {
    if (this.#lookups >= maxLookups) throw rejection;
    this.#lookups += 1;
    try {
      const known = await this.#findRepeated(request, fingerprintOf(request), options);
      if (known) return { order: known };
      throw rejection;
    } finally {
      this.#lookups -= 1;
    }
  }

  /** @throws AppError ORDER_NOT_FOUND. With a non-empty `customerId`, orders of other customers are not found. */
  async getOrder(id: string, customerId: string, options: CallOptions = {}): Promise<Order> {
    return required(await this.#deps.orders.find(id, options), { id, customerId });
  }

  /**
   * Reads several orders with one statement. Returns one result for each id: the order, or the error of this order, which
   * is ORDER_NOT_FOUND as in {@link getOrder}, or another Error if this version cannot read the order.
   */
  async batchGetOrders(
    { ids, customerId }: { readonly ids: readonly string[]; readonly customerId: string },
    options: CallOptions = {},
  ): Promise<(Order | Error)[]> {
    const rows = await findOrderRows(this.#deps.db.within(options), [...new Set(ids)]);
    const { orders, unreadable } = toOrders(
      rows.filter((row) => customerId === '' || row.customer_id === customerId),
    );
    const results = new Map<string, Order | Error>(orders.map((order) => [order.id, order]));
    for (const { id, error } of unreadable) results.set(id, orderUnreadable(id, error));
    return ids.map((id) => results.get(id) ?? orderNotFound(id));
  }

  /** Lists orders, newest first. */
  listOrders(filter: OrderFilter, page: PageRequest, options: CallOptions = {}): Promise<OrderPage> {
    return listOrders(this.#deps.db.within(options), filter, page);
  }

  /** @throws AppError ORDER_NOT_FOUND */
  async getTimeline(id: string, customerId: string, options: CallOptions = {}): Promise<TimelineEntry[]> {
    await this.getOrder(id, customerId, options);
    return readTimeline(this.#deps.db.within(options), id, 0);
  }

  /** Streams the timeline entries after a revision until the order is terminal. @throws AppError ORDER_NOT_FOUND */
  async *watchOrder(
    { id, customerId, after }: { readonly id: string; readonly customerId: string; readonly after: number },
    signal: AbortSignal,
  ): AsyncIterable<TimelineEntry> {
    await this.getOrder(id, customerId, { signal });
    yield* this.#deps.feed.watch(id, after, signal);
  }

  /**
   * Cancels an order and waits until the order is terminal, like {@link createOrder}.
   * @throws AppError ORDER_NOT_FOUND, ILLEGAL_TRANSITION for a rejected order, REQUEST_ID_REUSED
   */
  async cancelOrder(cancellation: Cancellation, options: WaitOptions): Promise<Order> {
    const { runner, feed, events, instance } = this.#deps;
    const permit = runner.reserve('STORAGE');
    let cancelled: AcceptedOrder;
    try {
      // Without a free slot, the order is stored as CANCELLING, and a replica claims it when a slot is free.
      const next: NextDrive = permit ? { kind: 'DRIVEN', driver: instance } : { kind: 'RELEASED' };
      const { order, isNew } = await this.#requestCancellation(cancellation, next, options);
      if (isNew) {
        events.changed(order);
        feed.wake(order.id);
      }
      cancelled = { order, ...(isNew && permit ? { saga: runner.start(order, 'STORAGE') } : {}) };
    } finally {
      permit?.release();
    }
    return awaitTerminal(this.#deps, cancelled, options);
  }

  /**
   * Stores a cancellation in one commit. After the commit, the writes of the former saga are rejected. The compensation
   * stores tombstones in the other services, which reject a step of the former saga that arrives later.
   */
  #requestCancellation(
    { requestId, orderId, customerId, reason, actor }: Cancellation,
    next: NextDrive,
    options: CallOptions,
  ) {
    const { db, clock } = this.#deps;
    return db.within(options).transaction(async (tx): Promise<{ order: SagaOrder; isNew: boolean }> => {
      const order = required(await lockOrder(tx, orderId), { id: orderId, customerId });
      const scope = `${order.customerId}/CancelOrder`;
      let cancelling: SagaOrder | undefined;
      const request = { scope, requestId, fingerprint: fingerprint({ orderId, reason, actor }) };
      await withIdempotencyKey(tx, request, async () => {
        const begun = beginCancellation(order, { reason, actor, now: clock.now() });
        if (begun)
          await recordProgress(tx, {
            order: begun.order,
            entries: [begun.entry],
            expected: { revision: order.revision },
            next,
          });
        cancelling = begun?.order;
        return orderId;
      });
      return { order: cancelling ?? order, isNew: cancelling !== undefined };
    });
  }

  /** Stores an order and starts its saga, or returns the order of an equal earlier request. */
  async #accept(request: OrderRequest, options: CallOptions): Promise<AcceptedOrder> {
    const { orders, runner, instance, events } = this.#deps;
    const requestFingerprint = fingerprintOf(request);
    let order: SagaOrder;
    try {
      order = await this.#place(request, options);
    } catch (error) {
      // A repeated request succeeds even if the catalog has changed or is unavailable.
      const known = await this.#findRepeated(request, requestFingerprint, options);
      if (known) return { order: known };
      throw error;
    }
    const acceptance = {
      order,
      fingerprint: requestFingerprint,
      driver: instance,
      traceId: currentTraceId(),
    };
    if (await orders.accept(acceptance, options)) {
      events.changed(order);
      return { order, saga: runner.start(order, 'ACCEPTED') };
    }
    const known = await this.#findRepeated(request, requestFingerprint, options);
    if (!known) throw new Error('the order of a used request id is missing');
    return { order: known };
  }

  /**
   * Creates an order with the prices of the catalog. If the total is not the expected total, the cached prices may be
   * out of date: they are read once more before the order is rejected.
   */
  async #place(request: OrderRequest, options: CallOptions): Promise<SagaOrder> {
    const { catalog, newId } = this.#deps;
    const skus = request.items.map(({ sku }) => sku);
    const order = placeOrder(request, await catalog.price(skus, options), newId);
    if (hasExpectedTotal(order, request)) return order;
    const current = placeOrder(request, await catalog.currentPrice(skus, options), newId);
    checkExpectedTotal(current, request);
    return current;
  }

  /**
   * Returns the order of an equal earlier request. The expected total is not part of the fingerprint: an accepted order
   * has this total.
   * @throws AppError REQUEST_ID_REUSED when the earlier request was not equal
   */
  async #findRepeated(
    request: OrderRequest,
    requestFingerprint: Buffer,
    options: CallOptions,
  ): Promise<SagaOrder | undefined> {
    const { customerId, requestId } = request;
    if (requestId === '') return undefined;
    const known = await findByRequestId(this.#deps.db.within(options), customerId, requestId);
    if (!known) return undefined;
    const { order } = known;
    const isSame = isSameRequest(known.fingerprint, requestFingerprint, () => isOrderOf(order, request));
    if (isSame && hasExpectedTotal(order, request)) return order;
    throw new AppError({
      reason: 'REQUEST_ID_REUSED',
      message: 'the request id was used before with another request',
      metadata: { request_id: requestId },
    });
  }
}

/** @throws AppError ORDER_NOT_FOUND when the order is missing or belongs to another customer */
function required(
  order: SagaOrder | undefined,
  { id, customerId }: { readonly id: string; readonly customerId: string },
): SagaOrder {
  if (order && (customerId === '' || order.customerId === customerId)) return order;
  throw orderNotFound(id);
}

/** Returns equal fingerprints for a request and its repetition, and different fingerprints for different requests. */
function fingerprintOf({ items, paymentMethod }: OrderRequest): Buffer {
  return fingerprint({ items: items.map(({ sku, quantity }) => ({ sku, quantity })), paymentMethod });
}

/** Whether an order has the items and the payment method of a request. */
function isOrderOf({ lines, paymentMethod }: SagaOrder, request: OrderRequest): boolean {
  return (
    paymentMethod === request.paymentMethod &&
    lines.length === request.items.length &&
    lines.every(({ sku, quantity }, index) => {
      const item = request.items[index];
      return sku === item?.sku && quantity === item.quantity;
    })
  );
}
