import { AppError } from '../../errors/index.js';
import type { Database, Queryable } from '../../postgres/index.js';
import { every, type FailureLogger } from '../../runtime/index.js';
import { isTerminal, type TimelineEntry } from '../domain.js';
import { readPositions, readTimeline } from '../store.js';

/** The timeline entries of a running saga that are not stored yet. The entries change while the saga runs. */
export interface UnsavedEntries {
  readonly storedRevision: number;
  readonly entries: readonly TimelineEntry[];
}

interface Watcher {
  readonly orderId: string;
  /** Newest revision that was sent to this watcher. */
  sentRevision: number;
  /** Newest stored revision that was sent to this watcher. */
  storedRevision: number;
  wake(): void;
}

export interface OrderFeedDeps {
  readonly db: Database;
  /** Time between two polls of the database. */
  readonly pollMs: number;
  /** Maximum number of concurrent watchers. */
  readonly limit: number;
  readonly failures: FailureLogger;
}

/**
 * Streams new timeline entries to watchers. Entries of orders that this process drives are streamed as they happen, before
 * they are stored; the terminal entry is streamed after it is stored.
 * To find the changes by other instances, one query polls all watched orders. NOTIFY is not used, because
 * PostgreSQL takes a global lock when a transaction with NOTIFY commits.
 */
export class OrderFeed {
  readonly #deps: OrderFeedDeps;
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #unsaved = new Map<string, UnsavedEntries>();
  readonly #polling: { close(): Promise<void> };
  #count = 0;

  constructor(deps: OrderFeedDeps) {
    this.#deps = deps;
    this.#polling = every(
      deps.pollMs,
      () => this.#poll(),
      (error) => deps.failures.failed(error),
    );
  }

  /** Streams the unsaved entries of a running saga from now on. */
  follow(orderId: string, unsaved: UnsavedEntries): void {
    this.#unsaved.set(orderId, unsaved);
  }

  /** Must be called at the end of the saga. */
  unfollow(orderId: string, unsaved: UnsavedEntries): void {
    // A cancellation may have started another saga of the order.
    if (this.#unsaved.get(orderId) === unsaved) this.#unsaved.delete(orderId);
  }

  /** Must be called after an order has new entries. */
  wake(orderId: string): void {
    for (const watcher of this.#watchers.get(orderId) ?? []) watcher.wake();
  }

  /**
   * Streams the entries after a revision, then each new entry, until the order is terminal.
   * @throws AppError OVERLOADED at the limit of watchers, and the abort reason of `signal`
   */
  async *watch(orderId: string, after: number, signal: AbortSignal): AsyncIterable<TimelineEntry> {
    const db = this.#deps.db.within({ signal });
    let change = newSignal();
    const watcher: Watcher = { orderId, sentRevision: after, storedRevision: 0, wake: () => change.fire() };
    const onAbort = (): void => change.fire();
    this.#add(watcher);
    signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        signal.throwIfAborted();
        change = newSignal();
        const stored = await readTimeline(db, orderId, watcher.sentRevision);
        watcher.storedRevision = stored.at(-1)?.revision ?? watcher.storedRevision;
        for (const entry of stored) {
          watcher.sentRevision = entry.revision;
          yield entry;
        }
        const unsaved = this.#unsavedAfter(watcher);
        for (const entry of unsaved) {
          watcher.sentRevision = entry.revision;
          yield entry;
        }
        if (unsaved.length === 0 && (await isComplete(db, watcher, stored.at(-1)))) return;
        await change.fired;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#remove(watcher);
    }
  }

  close(): Promise<void> {
    return this.#polling.close();
  }

  /** Returns the unsaved entries that continue the entries of a watcher without a gap. */
  #unsavedAfter({ orderId, sentRevision, storedRevision }: Watcher): TimelineEntry[] {
    const unsaved = this.#unsaved.get(orderId);
    // After a write by another saga, the unsaved entries will never be stored.
    if (!unsaved || storedRevision > unsaved.storedRevision) return [];
    const entries = unsaved.entries.filter(({ revision, to }) => revision > sentRevision && !isTerminal(to));
    return entries[0]?.revision === sentRevision + 1 ? entries : [];
  }

  async #poll(): Promise<void> {
    const ids = [...this.#watchers.keys()];
    if (ids.length === 0) return;
    const positions = await readPositions(this.#deps.db, ids);
    this.#deps.failures.recovered();
    for (const { id, revision, state } of positions) {
      for (const watcher of this.#watchers.get(id) ?? []) {
        // A watcher that asked for entries after a future revision gets no entry, but its stream must end.
        if (revision > watcher.sentRevision || isTerminal(state)) watcher.wake();
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

/** Whether the order is terminal and all its entries were sent. */
async function isComplete(
  db: Queryable,
  { orderId, sentRevision }: Watcher,
  last: TimelineEntry | undefined,
): Promise<boolean> {
  if (last) return isTerminal(last.to);
  const [order] = await readPositions(db, [orderId]);
  return order !== undefined && order.revision <= sentRevision && isTerminal(order.state);
}

/** A one-time signal. `fired` also resolves when `fire` was called before the wait. */
function newSignal(): { readonly fired: Promise<void>; fire(): void } {
  let fire = (): void => undefined;
  const fired = new Promise<void>((resolve) => {
    fire = resolve;
  });
  return { fired, fire };
}
