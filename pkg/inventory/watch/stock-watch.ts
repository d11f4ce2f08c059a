import { AppError } from '../../errors/index.js';
import type { Queryable } from '../../postgres/index.js';
import { every, type FailureLogger } from '../../runtime/index.js';
import { ConflatingQueue } from './conflating-queue.js';
import type { StockLevel } from '../domain.js';
import { stockNotFound } from '../errors.js';
import { readStock } from '../stock-store.js';

export interface StockWatchDeps {
  readonly db: Queryable;
  /** Time between two polls of all watched SKUs. */
  readonly intervalMs: number;
  /** Maximum number of concurrent watchers. */
  readonly limit: number;
  readonly failures: FailureLogger;
}

/** Changes that this process makes within this time are merged into one query. */
const mergeMs = 10;

/**
 * Publishes levels of watched SKUs. The changes of this process are published after `mergeMs`. To find the changes of
 * other replicas, one query polls all watched SKUs. NOTIFY is not used, because the commit of a
 * transaction with NOTIFY takes a global lock.
 */
export class StockWatch {
  readonly #deps: StockWatchDeps;
  readonly #watchers = new Map<string, Set<ConflatingQueue>>();
  readonly #polling: { close(): Promise<void> };
  readonly #changed = new Set<string>();
  #merging: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();
  #count = 0;

  constructor(deps: StockWatchDeps) {
    this.#deps = deps;
    this.#polling = every(
      deps.intervalMs,
      () => this.#publish([...this.#watchers.keys()]),
      (error) => deps.failures.failed(error),
    );
  }

  /** Must be called after this process has changed the stock of `skus`. */
  notify(skus: readonly string[]): void {
    for (const sku of skus) if (this.#watchers.has(sku)) this.#changed.add(sku);
    if (this.#changed.size === 0 || this.#merging) return;
    this.#merging = setTimeout(() => {
      const changed = [...this.#changed];
      this.#changed.clear();
      this.#merging = undefined;
      this.#reading = this.#publish(changed).catch((error: unknown) => this.#deps.failures.failed(error));
    }, mergeMs);
  }

  /**
   * Yields the current levels, then newer levels until `signal` aborts. A slow reader gets only the newest level
   * per SKU.
   * @throws AppError OVERLOADED when the limit of watchers is reached, STOCK_NOT_FOUND for unknown SKUs
   */
  async *watch(skus: readonly string[], signal: AbortSignal): AsyncIterable<StockLevel> {
    const queue = new ConflatingQueue();
    const onAbort = (): void => queue.close();
    this.#add(skus, queue);
    signal.addEventListener('abort', onAbort);
    try {
      const levels = await readStock(this.#deps.db, skus);
      requireAll(skus, levels);
      queue.push(levels);
      while (!signal.aborted) {
        for (let level = queue.shift(); level; level = queue.shift()) yield level;
        await queue.wait();
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#remove(skus, queue);
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#merging);
    await Promise.all([this.#polling.close(), this.#reading]);
  }

  async #publish(skus: readonly string[]): Promise<void> {
    if (skus.length === 0) return;
    const levels = await readStock(this.#deps.db, skus);
    this.#deps.failures.recovered();
    for (const level of levels) {
      for (const queue of this.#watchers.get(level.sku) ?? []) queue.push([level]);
    }
  }

  #add(skus: readonly string[], queue: ConflatingQueue): void {
    if (this.#count >= this.#deps.limit)
      throw new AppError({
        reason: 'OVERLOADED',
        message: 'too many callers are watching stock',
        retryAfterMs: 1000,
      });
    this.#count += 1;
    for (const sku of skus) this.#watchers.set(sku, (this.#watchers.get(sku) ?? new Set()).add(queue));
  }

  #remove(skus: readonly string[], queue: ConflatingQueue): void {
    this.#count -= 1;
    for (const sku of skus) {
      const queues = this.#watchers.get(sku);
      queues?.delete(queue);
      if (queues?.size === 0) this.#watchers.delete(sku);
    }
  }
}

/** @throws AppError STOCK_NOT_FOUND */
function requireAll(skus: readonly string[], levels: readonly StockLevel[]): void {
  const known = new Set(levels.map(({ sku }) => sku));
  const unknown = skus.filter((sku) => !known.has(sku));
  if (unknown.length > 0) throw stockNotFound(unknown);
}
