import { AppError } from '../errors/index.js';
import { hasEnded, onWaitEnd, waitEnded, type WaitLimits } from './wait-limits.js';

/** Items that are processed together. Every item is settled once: by `resolve`, `reject` or `defer`. */
export interface Batch<Item, Result> {
  readonly items: readonly Item[];
  /** Latest deadline of the items in milliseconds since the epoch; Infinity if an item has no deadline. */
  readonly deadline: number;
  /** A promise as result settles the item when the promise settles, possibly after the end of the batch. */
  resolve(index: number, result: Result | Promise<Result>): void;
  reject(index: number, error: unknown): void;
  /** Returns an item that was not processed to the head of the queue, when the processor of this batch has ended. */
  defer(index: number): void;
}

/**
 * Processes a batch and settles its items, in any order and at any time before the returned promise settles. Items that
 * are not settled by then are rejected, with the error of the processor if it failed.
 */
export type BatchProcessor<Item, Result> = (batch: Batch<Item, Result>) => Promise<void>;

/** What all batches of a process have in common. */
export interface Batching {
  /** Maximum number of items in one batch. With 1, every item is processed alone, by the same code. */
  readonly maxItems: number;
  /** Called when a batch of `operation` starts, with the time that each item has waited. */
  onBatch?(operation: string, waitMs: readonly number[]): void;
}

export interface BatchQueueOptions<Item, Result> {
  /** Name of the operation for {@link Batching.onBatch}. */
  readonly operation: string;
  readonly process: BatchProcessor<Item, Result>;
  readonly batching: Batching;
  /**
   * Size of an item in bytes; default 0. A batch has at most 256 KiB, and a larger item is processed alone. `Infinity`
   * marks an item that must be processed alone.
   */
  readonly sizeOf?: (item: Item) => number;
  /** Maximum number of batches in flight. */
  readonly concurrency: number;
  /** Maximum number of items that wait because no batch can start. */
  readonly maxQueued: number;
}

interface Entry<Item, Result> {
  readonly item: Item;
  readonly limits: WaitLimits;
  readonly bytes: number;
  readonly queuedAt: number;
  readonly resolve: (result: Result | Promise<Result>) => void;
  readonly reject: (error: unknown) => void;
  stopWaiting: () => void;
}

const maxBytes = 256 * 1024;

/**
 * Turns concurrent calls into batches, first in, first out. Without timers: when a batch can start, it takes the items
 * that wait at the end of the current turn of the event loop. A single caller does not wait for others, and under load
 * the batches grow while others are in flight.
 */
export class BatchQueue<Item, Result> {
  readonly #options: BatchQueueOptions<Item, Result>;
  #waiting = new Set<Entry<Item, Result>>();
  #inFlight = 0;
  #isScheduled = false;
  #closing: Promise<void> | undefined;
  #onIdle = (): void => undefined;

  constructor(options: BatchQueueOptions<Item, Result>) {
    this.#options = options;
  }

  /** Items that are in no batch yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Processes an item in a batch. Until its batch starts, the item leaves the queue at its deadline or when its signal
   * aborts; after that, the limits have no effect.
   * @throws AppError OVERLOADED when the queue is full, DEADLINE_EXCEEDED, the reason of the signal, SHUTTING_DOWN, or
   *   the error of the processor
   */
  run(item: Item, limits: WaitLimits = {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#checkAdmission();
      const bytes = this.#options.sizeOf?.(item) ?? 0;
      const queuedAt = performance.now();
      const entry = { item, limits, bytes, queuedAt, resolve, reject, stopWaiting: () => undefined };
      this.#enqueue(entry);
      this.#schedule();
    });
  }

  /** Rejects further items, processes the waiting items, and waits for the batches in flight. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#onIdle = resolve;
      this.#checkIdle();
    });
    return this.#closing;
  }

  #checkAdmission(): void {
    if (this.#closing) throw new AppError({ reason: 'SHUTTING_DOWN', message: 'the service is stopping' });
    const { concurrency, maxQueued } = this.#options;
    // Batches that can start take their items at the end of this turn.
    const starting = (concurrency - this.#inFlight) * this.#options.batching.maxItems;
    if (this.#waiting.size >= maxQueued + starting)
      throw new AppError({ reason: 'OVERLOADED', message: 'too many calls wait for a batch' });
  }

  #enqueue(entry: Entry<Item, Result>): void {
    if (hasEnded(entry.limits)) {
      entry.reject(leftQueue(entry.limits));
      return;
    }
    this.#waiting.add(entry);
    entry.stopWaiting = onWaitEnd(entry.limits, () => {
      this.#waiting.delete(entry);
      entry.reject(leftQueue(entry.limits));
      this.#checkIdle();
    });
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.size === 0 || this.#inFlight >= this.#options.concurrency) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#startBatches();
    });
  }

  #startBatches(): void {
    while (this.#waiting.size > 0 && this.#inFlight < this.#options.concurrency) {
      const entries = this.#takeEntries();
      if (entries.length > 0) void this.#process(entries);
    }
    this.#checkIdle();
  }

  #takeEntries(): Entry<Item, Result>[] {
    const { maxItems } = this.#options.batching;
    const entries: Entry<Item, Result>[] = [];
    let bytes = 0;
    for (const entry of this.#waiting) {
      if (entries.length > 0 && (entries.length === maxItems || bytes + entry.bytes > maxBytes)) break;
      this.#waiting.delete(entry);
      entry.stopWaiting();
      if (hasEnded(entry.limits)) entry.reject(leftQueue(entry.limits));
      else {
        entries.push(entry);
        bytes += entry.bytes;
      }
    }
    return entries;
  }

  async #process(entries: readonly Entry<Item, Result>[]): Promise<void> {
    this.#inFlight += 1;
    const batch = new OpenBatch(entries);
    try {
      const { operation, batching, process } = this.#options;
      const startedAt = performance.now();
      batching.onBatch?.(
        operation,
        entries.map(({ queuedAt }) => startedAt - queuedAt),
      );
      await process(batch);
      batch.end(new Error('the batch processor has settled only a part of its items'));
    } catch (error) {
      batch.end(error);
    }
    this.#inFlight -= 1;
    this.#requeue(batch.deferred);
    this.#schedule();
    this.#checkIdle();
  }

  #requeue(deferred: readonly Entry<Item, Result>[]): void {
    if (deferred.length === 0) return;
    const later = this.#waiting;
    this.#waiting = new Set();
    for (const entry of deferred) this.#enqueue(entry);
    for (const entry of later) this.#waiting.add(entry);
  }

  #checkIdle(): void {
    if (this.#inFlight === 0 && this.#waiting.size === 0) this.#onIdle();
  }
}

class OpenBatch<Item, Result> implements Batch<Item, Result> {
  readonly items: readonly Item[];
  readonly deadline: number;
  readonly #open: Map<number, Entry<Item, Result>>;
  readonly #deferred = new Map<number, Entry<Item, Result>>();

  constructor(entries: readonly Entry<Item, Result>[]) {
    this.items = entries.map(({ item }) => item);
    this.deadline = Math.max(...entries.map(({ limits }) => limits.deadline ?? Infinity));
    this.#open = new Map(entries.entries());
  }

  resolve(index: number, result: Result | Promise<Result>): void {
    this.#take(index).resolve(result);
  }

  reject(index: number, error: unknown): void {
    this.#take(index).reject(error);
  }

  defer(index: number): void {
    this.#deferred.set(index, this.#take(index));
  }

  /** Rejects the items that are not settled. */
  end(error: unknown): void {
    for (const entry of this.#open.values()) entry.reject(error);
    this.#open.clear();
  }

  /** The deferred entries in the order of their arrival. */
  get deferred(): Entry<Item, Result>[] {
    return [...this.#deferred].toSorted(([a], [b]) => a - b).map(([, entry]) => entry);
  }

  #take(index: number): Entry<Item, Result> {
    const entry = this.#open.get(index);
    if (!entry) throw new Error(`item ${index} of the batch is already settled or does not exist`);
    this.#open.delete(index);
    return entry;
  }
}

function leftQueue(limits: WaitLimits): AppError {
  return waitEnded(limits, 'the deadline expired before the batch of the call started');
}
