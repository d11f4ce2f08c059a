import { AppError } from '../errors/index.js';
import type { Queryable } from '../postgres/index.js';
import { every, type Outage } from '../runtime/index.js';
import type { StockLevel } from './domain.js';
import { LatestLevels } from './latest-levels.js';
import { stockNotFound } from './refusals.js';
import { readStock } from './stock-store.js';

export interface StockWatchDeps {
  readonly db: Queryable;
  /** Time between two looks at everything that is watched, milliseconds. */
  readonly intervalMs: number;
  /** Watchers at once. */
  readonly limit: number;
  readonly outage: Outage;
}

/** Changes made here within this time are told together, milliseconds. */
const mergeMs = 10;

/**
 * Tells watchers of stock that changes: soon when this process changed it, else by one query an interval
 * over all watched SKUs. Not by NOTIFY, whose commits take a global lock.
 */
export class StockWatch {
  readonly #deps: StockWatchDeps;
  readonly #watchers = new Map<string, Set<LatestLevels>>();
  readonly #polling: { close(): Promise<void> };
  readonly #changed = new Set<string>();
  #merging: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();
  #count = 0;

  constructor(deps: StockWatchDeps) {
    this.#deps = deps;
    this.#polling = every(
      deps.intervalMs,
      () => this.#tell([...this.#watchers.keys()]),
      (error) => deps.outage.fails(error),
    );
  }

  /** Says that this process has changed the stock of `skus`. */
  wake(skus: readonly string[]): void {
    for (const sku of skus) if (this.#watchers.has(sku)) this.#changed.add(sku);
    if (this.#changed.size === 0 || this.#merging) return;
    this.#merging = setTimeout(() => {
      const changed = [...this.#changed];
      this.#changed.clear();
      this.#merging = undefined;
      this.#reading = this.#tell(changed).catch((error: unknown) => this.#deps.outage.fails(error));
    }, mergeMs);
  }

  /**
   * Current levels, then each newer one, until `signal` aborts. A reader that falls behind gets the
   * newest level of each SKU only.
   * @throws AppError OVERLOADED with too many watchers, STOCK_NOT_FOUND for SKUs never stocked
   */
  async *watch(skus: readonly string[], signal: AbortSignal): AsyncIterable<StockLevel> {
    const news = new LatestLevels();
    const onAbort = (): void => news.wake();
    this.#add(skus, news);
    signal.addEventListener('abort', onAbort);
    try {
      const levels = await readStock(this.#deps.db, skus);
      refuseUnknown(skus, levels);
      news.offer(levels);
      while (!signal.aborted) {
        for (let level = news.take(); level; level = news.take()) yield level;
        await news.arrival();
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#remove(skus, news);
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#merging);
    await Promise.all([this.#polling.close(), this.#reading]);
  }

  async #tell(skus: readonly string[]): Promise<void> {
    if (skus.length === 0) return;
    const levels = await readStock(this.#deps.db, skus);
    this.#deps.outage.works();
    for (const level of levels) {
      for (const watcher of this.#watchers.get(level.sku) ?? []) watcher.offer([level]);
    }
  }

  #add(skus: readonly string[], watcher: LatestLevels): void {
    if (this.#count >= this.#deps.limit)
      throw new AppError({
        reason: 'OVERLOADED',
        message: 'too many callers are watching stock',
        retryAfterMs: 1000,
      });
    this.#count += 1;
    for (const sku of skus) this.#watchers.set(sku, (this.#watchers.get(sku) ?? new Set()).add(watcher));
  }

  #remove(skus: readonly string[], watcher: LatestLevels): void {
    this.#count -= 1;
    for (const sku of skus) {
      const watchers = this.#watchers.get(sku);
      watchers?.delete(watcher);
      if (watchers?.size === 0) this.#watchers.delete(sku);
    }
  }
}

function refuseUnknown(skus: readonly string[], levels: readonly StockLevel[]): void {
  const known = new Set(levels.map(({ sku }) => sku));
  const unknown = skus.filter((sku) => !known.has(sku));
  if (unknown.length > 0) throw stockNotFound(unknown);
}
