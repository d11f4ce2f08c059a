import type { StockLevel } from './domain.js';

/**
 * What one watcher has yet to be told: at most one level a SKU, the newest, however slowly it reads.
 */
export class LatestLevels {
  readonly #pending = new Map<string, StockLevel>();
  readonly #seen = new Map<string, StockLevel>();
  #woken = false;
  #resolve: (() => void) | undefined;

  /** Takes in levels that are newer than those known; others may arrive late and are dropped. */
  offer(levels: readonly StockLevel[]): void {
    for (const level of levels) {
      if (!isNewer(level, this.#seen.get(level.sku))) continue;
      this.#seen.set(level.sku, level);
      this.#pending.set(level.sku, level);
    }
    if (this.#pending.size > 0) this.#resolve?.();
  }

  /** The next level to tell, if any. */
  take(): StockLevel | undefined {
    for (const [sku, level] of this.#pending) {
      this.#pending.delete(sku);
      return level;
    }
    return undefined;
  }

  /** Ends the wait for an arrival, for good. */
  wake(): void {
    this.#woken = true;
    this.#resolve?.();
  }

  /** Resolves when there is something to take, or somebody wakes the reader. */
  arrival(): Promise<void> {
    if (this.#woken || this.#pending.size > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }
}

/** Time alone can end claims: then `reserved` falls before any change is stored. */
function isNewer(level: StockLevel, known: StockLevel | undefined): boolean {
  if (known === undefined || level.revision > known.revision) return true;
  return level.revision === known.revision && level.reserved < known.reserved;
}
