import { AppError } from '../errors/index.js';
import type { Database } from '../postgres/index.js';
import { every, type Outage } from '../runtime/index.js';
import { isResting, type TimelineEntry } from './domain.js';
import { readPositions, readTimeline } from './store.js';

interface Watcher {
  readonly orderId: string;
  /** Newest revision that this watcher has seen. */
  seen: number;
  wake(): void;
}

export interface OrderFeedDeps {
  readonly db: Database;
  /** Time between two looks at the database, milliseconds. */
  readonly pollMs: number;
  /** Watchers at once. */
  readonly limit: number;
  readonly outage: Outage;
}

/**
 * Tells watchers of new timeline entries: at once for orders driven here, else by one query a poll over
 * all watched orders of this process. Not by NOTIFY, whose commits take a global lock.
 */
export class OrderFeed {
  readonly #deps: OrderFeedDeps;
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #polling: { close(): Promise<void> };
  #count = 0;

  constructor(deps: OrderFeedDeps) {
    this.#deps = deps;
    this.#polling = every(
      deps.pollMs,
      () => this.#poll(),
      (error) => deps.outage.fails(error),
    );
  }

  /** Says that an order has new entries. */
  wake(orderId: string): void {
    for (const watcher of this.#watchers.get(orderId) ?? []) watcher.wake();
  }

  /**
   * The entries after a revision, what is there and then what comes, until the order rests.
   * @throws AppError OVERLOADED with too many watchers, and whatever `signal` aborts with
   */
  async *watch(orderId: string, after: number, signal: AbortSignal): AsyncIterable<TimelineEntry> {
    let news = newSignal();
    const watcher: Watcher = { orderId, seen: after, wake: () => news.fire() };
    const onAbort = (): void => news.fire();
    this.#add(watcher);
    signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        signal.throwIfAborted();
        news = newSignal();
        const entries = await readTimeline(this.#deps.db, orderId, watcher.seen);
        for (const entry of entries) {
          watcher.seen = entry.revision;
          yield entry;
        }
        if (await this.#rests(watcher, entries.at(-1))) return;
        await news.fired;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#remove(watcher);
    }
  }

  close(): Promise<void> {
    return this.#polling.close();
  }

  /** Whether nothing more will come; without a new entry the last one seen decides. */
  async #rests(watcher: Watcher, last: TimelineEntry | undefined): Promise<boolean> {
    if (last) return isResting(last.to);
    const [order] = await readPositions(this.#deps.db, [watcher.orderId]);
    return order !== undefined && order.revision <= watcher.seen && isResting(order.state);
  }

  async #poll(): Promise<void> {
    const ids = [...this.#watchers.keys()];
    if (ids.length === 0) return;
    const positions = await readPositions(this.#deps.db, ids);
    this.#deps.outage.works();
    for (const { id, revision, state } of positions) {
      for (const watcher of this.#watchers.get(id) ?? []) {
        // One that asked for revisions still to come must hear of the end, too.
        if (revision > watcher.seen || isResting(state)) watcher.wake();
      }
    }
  }

  #add(watcher: Watcher): void {
    if (this.#count >= this.#deps.limit)
      throw new AppError({
        reason: 'OVERLOADED',
        message: 'too many orders are being watched',
        retryAfterMs: 1000,
      });
    this.#count += 1;
    const watchers = this.#watchers.get(watcher.orderId) ?? new Set();
    this.#watchers.set(watcher.orderId, watchers.add(watcher));
  }

  #remove(watcher: Watcher): void {
    this.#count -= 1;
    const watchers = this.#watchers.get(watcher.orderId);
    watchers?.delete(watcher);
    if (watchers?.size === 0) this.#watchers.delete(watcher.orderId);
  }
}

/** A promise with its resolver: news that came while nobody waited is not lost. */
function newSignal(): { readonly fired: Promise<void>; fire(): void } {
  let fire = (): void => undefined;
  const fired = new Promise<void>((resolve) => {
    fire = resolve;
  });
  return { fired, fire };
}
