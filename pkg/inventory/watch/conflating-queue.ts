import type { StockLevel } from '../domain.js';

/** Unread levels of one watcher. The queue keeps only the newest level per SKU, which bounds its memory. */
export class ConflatingQueue {
  readonly #pending = new Map<string, StockLevel>();
  readonly #newest = new Map<string, StockLevel>();
  #closed = false;
  #resolve: (() => void) | undefined;

  /** Adds each level that is newer than all previous levels of its SKU, and drops the other levels. */
  push(levels: readonly StockLevel[]): void {
    for (const level of levels) {
      if (!isNewer(level, this.#newest.get(level.sku))) continue;
      this.#newest.set(level.sku, level);
      this.#pending.set(level.sku, level);
    }
    if (this.#pending.size > 0) this.#resolve?.();
  }

  /** Removes and returns the first level. Returns undefined when the queue is empty. */
  shift(): StockLevel | undefined {
    for (const [sku, level] of this.#pending) {
      this.#pending.delete(sku);
      return level;
    }
    return undefined;
  }

  /** Resolves when the queue has a level or is closed. */
  wait(): Promise<void> {
    if (this.#closed || this.#pending.size > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  close(): void {
    this.#closed = true;
    this.#resolve?.();
  }
}

/** Until the sweeper stores an expiry, the expiry decreases `reserved` without a new revision. */
function isNewer(level: StockLevel, known: StockLevel | undefined): boolean {
  if (known === undefined || level.revision > known.revision) return true;
  return level.revision === known.revision && level.reserved < known.reserved;
}
