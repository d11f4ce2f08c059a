import { AppError } from '../errors/index.js';
import type { Database } from '../postgres/index.js';
import { fingerprint } from '../postgres/index.js';
import type { Clock, IdSource } from '../runtime/index.js';
import { isResting, type Order, type OrderRequest, type SagaOrder, type TimelineEntry } from './domain.js';
import { cancelOrder, type Cancellation } from './cancel-order.js';
import { placeOrder } from './place-order.js';
import type { CallBounds, CatalogPort, OrderEvents } from './ports.js';
import type { OrderFeed } from './order-feed.js';
import type { SagaRunner } from './saga-runner.js';
import {
  acceptOrder,
  findByRequestId,
  findOrder,
  listOrders,
  readTimeline,
  type OrderFilter,
} from './store.js';
import { currentTraceId } from './trace-id.js';

export interface OrderServiceDeps {
  readonly db: Database;
  readonly catalog: CatalogPort;
  readonly runner: SagaRunner;
  readonly feed: OrderFeed;
  readonly clock: Clock;
  readonly newId: IdSource;
  readonly instance: string;
  readonly events: OrderEvents;
}

/** How long a caller waits for an order to rest. */
export interface Patience {
  /** When the answer must be ready, milliseconds since the epoch. */
  readonly deadline: number;
  /** Aborts when the caller hangs up. The order goes on. */
  readonly signal: AbortSignal;
}

/** An order that was accepted, by this call (then with its saga) or by an equal one before. */
interface Accepted {
  readonly order: SagaOrder;
  readonly saga?: Promise<SagaOrder>;
}

/** Accepts orders and cancellations, and tells how orders stand. The saga does the work. */
export class OrderService {
  readonly #deps: OrderServiceDeps;

  constructor(deps: OrderServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Accepts an order and waits for it to rest, as long as the caller has patience.
   * @throws AppError PRODUCT_NOT_FOUND, CURRENCY_MISMATCH, REQUEST_ID_REUSED, OVERLOADED
   */
  async createOrder(request: OrderRequest, patience: Patience): Promise<Order> {
    const { order, saga } = await this.#deps.runner.admit(() => this.#accept(request, patience));
    return saga ? this.#waitFor(saga, order, patience) : this.#follow(order, patience);
  }

  /** @throws AppError ORDER_NOT_FOUND, also for an order of another customer unless `customerId` is empty */
  async getOrder(id: string, customerId: string): Promise<Order> {
    return this.#require(id, customerId);
  }

  /** Newest first; `after` is the last id of the page before. */
  listOrders(
    filter: OrderFilter,
    page: { readonly after: string | undefined; readonly size: number },
  ): Promise<Order[]> {
    return listOrders(this.#deps.db, filter, page);
  }

  /** @throws AppError ORDER_NOT_FOUND */
  async getTimeline(id: string, customerId: string): Promise<TimelineEntry[]> {
    await this.#require(id, customerId);
    return readTimeline(this.#deps.db, id, 0);
  }

  /** Streams the timeline after a revision until the order rests. @throws AppError ORDER_NOT_FOUND */
  async *watchOrder(
    { id, customerId, after }: { readonly id: string; readonly customerId: string; readonly after: number },
    signal: AbortSignal,
  ): AsyncIterable<TimelineEntry> {
    await this.#require(id, customerId);
    yield* this.#deps.feed.watch(id, after, signal);
  }

  /**
   * Cancels an order and waits for it to rest, as long as the caller has patience.
   * @throws AppError ORDER_NOT_FOUND, ILLEGAL_TRANSITION for a rejected order, REQUEST_ID_REUSED
   */
  async cancelOrder(cancellation: Cancellation, patience: Patience): Promise<Order> {
    const { db, runner, clock, instance, feed, events } = this.#deps;
    const { order, isNew } = await cancelOrder(db, cancellation, { instance, now: clock.now() });
    if (!isNew) return this.#follow(order, patience);
    events.changed(order);
    feed.wake(order.id);
    return this.#waitFor(runner.start(order), order, patience);
  }

  #price({ items }: OrderRequest, { deadline, signal }: CallBounds) {
    const skus = items.map(({ sku }) => sku);
    return this.#deps.catalog.price(skus, signal ? { deadline, signal } : { deadline });
  }

  async #require(id: string, customerId: string): Promise<SagaOrder> {
    const order = await findOrder(this.#deps.db, id);
    if (order && (customerId === '' || order.customerId === customerId)) return order;
    throw new AppError({ reason: 'ORDER_NOT_FOUND', message: 'no such order', metadata: { order_id: id } });
  }

  /** Stores an order and starts its saga, or finds the one that this very request created before. */
  async #accept(request: OrderRequest, bounds: CallBounds): Promise<Accepted> {
    const { db, runner, newId, instance, events } = this.#deps;
    const print = fingerprintOf(request);
    let order: SagaOrder;
    try {
      order = placeOrder(request, await this.#price(request, bounds), newId);
    } catch (error) {
      // A repeated request is answered even if the catalog has changed since or is away.
      const known = await this.#findEqual(request, print);
      if (known) return { order: known };
      throw error;
    }
    const acceptance = { order, fingerprint: print, driver: instance, traceId: currentTraceId() };
    if (await acceptOrder(db, acceptance)) {
      events.changed(order);
      return { order, saga: runner.start(order) };
    }
    const known = await this.#findEqual(request, print);
    if (!known) throw new Error('an order vanished');
    return { order: known };
  }

  /** The order that this very request created before. @throws AppError REQUEST_ID_REUSED if another did */
  async #findEqual({ customerId, requestId }: OrderRequest, print: Buffer): Promise<SagaOrder | undefined> {
    if (requestId === '') return undefined;
    const known = await findByRequestId(this.#deps.db, customerId, requestId);
    if (!known || known.fingerprint.equals(print)) return known?.order;
    throw new AppError({
      reason: 'REQUEST_ID_REUSED',
      message: 'the request id was used before with another request',
      metadata: { request_id: requestId },
    });
  }

  /** Waits for a saga of this process. */
  async #waitFor(saga: Promise<SagaOrder>, accepted: SagaOrder, patience: Patience): Promise<Order> {
    const order = await withPatience(saga, patience);
    // A saga that ended before its order rests is carried on elsewhere, from what is stored: what this
    // one did beyond that gets other revisions there.
    return order && isResting(order.state) ? order : this.#follow(accepted, patience);
  }

  /** Waits for an order that may be driven by any instance; the order as it stands when patience ends. */
  async #follow(order: SagaOrder, patience: Patience): Promise<Order> {
    if (isResting(order.state)) return order;
    const giveUp = new AbortController();
    const rest = this.#untilRest(order, AbortSignal.any([giveUp.signal, patience.signal]));
    await withPatience(rest, patience);
    giveUp.abort();
    // The order is accepted, whatever happens to this last look at it: a failure would deny that.
    return (await findOrder(this.#deps.db, order.id).catch(() => undefined)) ?? order;
  }

  async #untilRest(order: SagaOrder, signal: AbortSignal): Promise<void> {
    for await (const entry of this.#deps.feed.watch(order.id, order.revision, signal)) void entry;
  }
}

/** What an order request says, for telling a repetition from a reuse of its id. */
function fingerprintOf({ items, paymentMethod }: OrderRequest): Buffer {
  return fingerprint({ items: items.map(({ sku, quantity }) => ({ sku, quantity })), paymentMethod });
}

/** The promise's value, or undefined when patience ends first or the promise fails. */
async function withPatience<T>(promise: Promise<T>, { deadline, signal }: Patience): Promise<T | undefined> {
  let stop: () => void = () => undefined;
  const impatience = new Promise<undefined>((resolve) => {
    const timer = Number.isFinite(deadline)
      ? setTimeout(() => resolve(undefined), deadline - Date.now())
      : undefined;
    const onAbort = (): void => resolve(undefined);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    stop = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
  });
  try {
    return await Promise.race([promise.catch(() => undefined), impatience]);
  } finally {
    stop();
  }
}
