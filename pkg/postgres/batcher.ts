import { context, type Context } from '@opentelemetry/api';
import { AppError } from '../errors/index.js';
import { inBatchSpans } from '../observability/index.js';
import { BatchQueue, pause, type Batch, type Batching, type WaitLimits } from '../runtime/index.js';
import { isDataError } from './errors.js';

/** What a batch did for one item. */
export type ItemOutcome<Result> =
  | { readonly kind: 'DONE'; readonly result: Result }
  | { readonly kind: 'FAILED'; readonly error: unknown }
  /** Nothing was done for the item, because another transaction holds its rows. */
  | { readonly kind: 'CONTENDED' };

export function done<Result>(result: Result): ItemOutcome<Result> {
  return { kind: 'DONE', result };
}

export function failed(error: unknown): ItemOutcome<never> {
  return { kind: 'FAILED', error };
}

export const contended: ItemOutcome<never> = { kind: 'CONTENDED' };

/** Returns the outcome of an item whose result is missing because another transaction holds its row. */
export function doneUnlessContended<Result>(result: Result | undefined): ItemOutcome<Result> {
  return result === undefined ? contended : done(result);
}

/**
 * FAST: the batch does not wait for rows that other transactions hold (`skip locked`) and reports their items as
 * contended. CONTENDED: the batch waits for these rows, with a `lock_timeout`, or skips them again after
 * `contendedDelayMs`.
 */
export type BatchLane = 'FAST' | 'CONTENDED';

export interface BatchContext {
  readonly lane: BatchLane;
  /** Latest deadline of the items, for `Database.within`; Infinity if an item has no deadline. */
  readonly deadline: number;
}

/**
 * Executes one operation for several items, by one statement or one short transaction, and returns the outcome of each
 * item in the order of `items`. The items have different keys. A batch that throws must have changed nothing, unless the
 * connection was lost; the same items may then be executed again in other batches.
 */
export type ExecuteBatch<Item, Result> = (
  items: readonly Item[],
  context: BatchContext,
) => Promise<readonly ItemOutcome<Result>[]>;

export interface BatcherOptions<Item, Result> {
  /** Label of the metrics, in the form `<store>.<verb>`. */
  readonly operation: string;
  readonly execute: ExecuteBatch<Item, Result>;
  /** Key of the request, such as the id of a reservation. A batch has one item of each key. */
  readonly keyOf: (item: Item) => string;
  /**
   * Whether two items with the same key are the same request. They are then executed once and share the outcome.
   * Otherwise, the later item waits for a later batch, which finds what the earlier item has stored.
   */
  readonly sameBody: (a: Item, b: Item) => boolean;
  /** Order of the items in `execute`; default KEY, so that concurrent batches insert and lock in one order. */
  readonly order?: 'KEY' | 'ARRIVAL';
  /** Size of an item in bytes, see {@link BatchQueue}. */
  readonly sizeOf?: (item: Item) => number;
  /** Maximum number of batches of the FAST lane in flight. Without batching, the connection pool is the only limit. */
  readonly concurrency: number;
  readonly batching: Batching;
  /** Time before a batch of the CONTENDED lane starts its work; default 0. */
  readonly contendedDelayMs?: number;
}

interface Call<Item> {
  readonly item: Item;
  readonly limits: WaitLimits;
  /** Context of the caller, which contains its span. */
  readonly caller: Context;
}

/** Calls of one request. The batch executes their item once, and they share its outcome. */
interface Group<Item> {
  readonly item: Item;
  /** The calls by their index in the batch. */
  readonly calls: Map<number, Call<Item>>;
}

/** Maximum number of calls that wait for a batch. */
const maxQueued = 1024;

/**
 * Turns concurrent calls of one operation of a store into batches.
 *
 * When a batch fails with an error that one item has caused (SQLSTATE class 22 or 23), the batch is split until the
 * item is found; only this item fails. The database repeats a batch after a conflict with another transaction
 * (`Database.transaction`). After any other error, every item fails with this error and no item is repeated, so that
 * an outage does not multiply the load.
 *
 * Items that are contended move to a second lane, in which one batch at a time waits for the rows, so that the other
 * items do not wait. An item that is contended in this lane fails with CONFLICT.
 */
export class Batcher<Item, Result> {
  readonly #options: BatcherOptions<Item, Result>;
  readonly #fast: BatchQueue<Call<Item>, Result>;
  readonly #contended: BatchQueue<Call<Item>, Result>;

  constructor(options: BatcherOptions<Item, Result>) {
    this.#options = options;
    const { operation, concurrency } = options;
    this.#fast = this.#openLane('FAST', operation, concurrency);
    this.#contended = this.#openLane('CONTENDED', `${operation}_contended`, 1);
  }

  /**
   * Executes an item in a batch. Until its batch starts, the item leaves the queue at its deadline or when its signal
   * aborts; after that, the limits have no effect.
   * @throws AppError OVERLOADED when the queue is full, DEADLINE_EXCEEDED, the reason of the signal, SHUTTING_DOWN,
   *   CONFLICT, or the error of the item or of its batch
   */
  run(item: Item, limits: WaitLimits = {}): Promise<Result> {
    return this.#fast.run({ item, limits, caller: context.active() }, limits);
  }

  /** Rejects further items and waits for the others. */
  async close(): Promise<void> {
    await this.#fast.close();
    await this.#contended.close();
  }

  #openLane(lane: BatchLane, operation: string, concurrency: number): BatchQueue<Call<Item>, Result> {
    const { batching, sizeOf } = this.#options;
    return new BatchQueue<Call<Item>, Result>({
      operation,
      batching,
      maxQueued,
      concurrency: batching.maxItems === 1 ? Infinity : concurrency,
      ...(sizeOf && { sizeOf: ({ item }) => sizeOf(item) }),
      process: (batch) => {
        const callers = batch.items.map(({ caller }) => caller);
        return inBatchSpans(operation, callers, () => this.#process(batch, lane));
      },
    });
  }

  async #process(batch: Batch<Call<Item>, Result>, lane: BatchLane): Promise<void> {
    const { contendedDelayMs = 0 } = this.#options;
    if (lane === 'CONTENDED' && contendedDelayMs > 0) await pause(contendedDelayMs);
    const limits = { lane, deadline: batch.deadline };
    const parts = [this.#group(batch)];
    for (let part = parts.shift(); part; part = parts.shift()) {
      const outcomes = await this.#execute(part, limits);
      if (outcomes === 'SPLIT') parts.unshift(...halves(part));
      else this.#settle(batch, outcomes, lane);
    }
  }

  /** Merges calls of the same request. Defers calls whose key belongs to a different request of the batch. */
  #group(batch: Batch<Call<Item>, Result>): Group<Item>[] {
    const { keyOf, sameBody, order = 'KEY' } = this.#options;
    const groups = new Map<string, Group<Item>>();
    for (const [index, call] of batch.items.entries()) {
      const key = keyOf(call.item);
      const group = groups.get(key);
      if (!group) groups.set(key, { item: call.item, calls: new Map([[index, call]]) });
      else if (sameBody(group.item, call.item)) group.calls.set(index, call);
      else batch.defer(index);
    }
    if (order === 'ARRIVAL') return [...groups.values()];
    return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  }

  /** Returns the outcome of each group, or SPLIT when one of several items has caused a failure. */
  async #execute(
    part: readonly Group<Item>[],
    limits: BatchContext,
  ): Promise<ReadonlyMap<Group<Item>, ItemOutcome<Result>> | 'SPLIT'> {
    const { operation, execute } = this.#options;
    const items = part.map(({ item }) => item);
    try {
      const outcomes = await execute(items, limits);
      return new Map(
        part.map((group, position) => [group, outcomes[position] ?? failed(missingOutcome(operation))]),
      );
    } catch (error) {
      if (!isDataError(error)) throw error;
      return items.length > 1 ? 'SPLIT' : new Map(part.map((group) => [group, failed(error)]));
    }
  }

  #settle(
    batch: Batch<Call<Item>, Result>,
    outcomes: ReadonlyMap<Group<Item>, ItemOutcome<Result>>,
    lane: BatchLane,
  ): void {
    const contendedCalls = new Map<number, Call<Item>>();
    for (const [{ calls }, outcome] of outcomes) {
      for (const [index, call] of calls) {
        if (outcome.kind === 'DONE') batch.resolve(index, outcome.result);
        else if (outcome.kind === 'FAILED') batch.reject(index, outcome.error);
        else if (lane === 'CONTENDED') batch.reject(index, conflict());
        else contendedCalls.set(index, call);
      }
    }
    // The lane keeps the order in which the calls arrived.
    for (const [index, call] of [...contendedCalls].toSorted(([a], [b]) => a - b))
      batch.resolve(index, this.#contended.run(call, call.limits));
  }
}

function halves<T>(items: readonly T[]): [T[], T[]] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}

function missingOutcome(operation: string): Error {
  return new Error(`${operation} has returned no outcome for an item`);
}

function conflict(): AppError {
  return new AppError({ reason: 'CONFLICT', message: 'concurrent calls change the same data' });
}
