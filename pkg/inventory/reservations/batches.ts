import {
  Batcher,
  done,
  readBatcher,
  sql,
  type BatchContext,
  type Database,
  type ItemOutcome,
  type Queryable,
} from '../../postgres/index.js';
import type { Batching, WaitLimits } from '../../runtime/index.js';
import type { Reservation, StockLevel } from '../domain.js';
import { readStock } from '../stock-store.js';
import { reserveStock, type ReserveRequest, type ReserveResult } from './reserve-store.js';
import { settleReservations, type Settlement, type SettleResult } from './settle-store.js';
import { findReservations } from './store.js';

/** Maximum wait for the stock rows that another transaction holds, in milliseconds. */
const lockTimeoutMs = 500;
/** Maximum number of statements of one kind of read in flight. */
const readConcurrency = 2;

const setLockTimeout = sql(
  'inventory.set_lock_timeout',
  `select set_config('lock_timeout', $milliseconds::text, true)`,
);

/**
 * Changes and reads of stock that concurrent calls share. One batch of changes at a time is in flight, because two batches
 * of one process would find each other's stock locked. Changes whose stock another process holds wait in a lane of
 * their own.
 */
export class ReservationBatches {
  readonly #db: Database;
  readonly #turns: { last: Promise<unknown> } | undefined;
  readonly #reserve: Batcher<ReserveRequest, ReserveResult>;
  readonly #settle: Batcher<Settlement, SettleResult>;
  readonly #find: Batcher<string, Reservation | undefined>;
  readonly #levels: Batcher<readonly string[], StockLevel[]>;

  constructor(db: Database, batching: Batching) {
    this.#db = db;
    if (batching.maxItems > 1) this.#turns = { last: Promise.resolve() };
    const changes = { batching, concurrency: 1, sameBody: () => false };
    this.#reserve = new Batcher({
      ...changes,
      operation: 'inventory.reserve',
      order: 'ARRIVAL',
      keyOf: ({ id }) => id,
      sizeOf: ({ lines }) => 128 + 96 * lines.length,
      execute: (requests, context) =>
        this.#change(context, (changing) => reserveStock(changing, requests, context.lane)),
    });
    this.#settle = new Batcher({
      ...changes,
      operation: 'inventory.settle',
      keyOf: ({ id }) => id,
      execute: (settlements, context) =>
        this.#change(context, (changing) => settleReservations(changing, settlements, context.lane)),
    });
    const reads = { batching, concurrency: readConcurrency };
    this.#find = readBatcher({
      ...reads,
      operation: 'inventory.find_reservation',
      read: async (ids, limits) => {
        const found = await findReservations(db.within(limits), ids);
        return new Map(found.map((reservation) => [reservation.id, reservation]));
      },
    });
    this.#levels = new Batcher({
      ...reads,
      operation: 'inventory.read_stock',
      keyOf: (skus) => JSON.stringify(skus),
      sameBody: () => true,
      sizeOf: (skus) => 64 * skus.length,
      execute: async (requests, { deadline }) => {
        const skus = [...new Set(requests.flat())];
        const levels = await readStock(db.within({ deadline }), skus);
        return requests.map((wanted) => done(levels.filter(({ sku }) => wanted.includes(sku))));
      },
    });
  }

  /** Returns `known` when a reservation with this id exists; nothing has changed then. */
  reserve(request: ReserveRequest, limits: WaitLimits): Promise<ReserveResult> {
    return this.#reserve.run(request, limits);
  }

  /** Returns `unknown` when there is no reservation with this id, or a concurrent call inserts it. */
  settle(settlement: Settlement, limits: WaitLimits): Promise<SettleResult> {
    return this.#settle.run(settlement, limits);
  }

  /** An expired reservation is EXPIRED, even before it is swept. The result is newer than the call. */
  find(id: string, limits: WaitLimits): Promise<Reservation | undefined> {
    return this.#find.run(id, limits);
  }

  /** Returns the levels of the stocked SKUs among `skus`, sorted by SKU. The result is newer than the call. */
  readLevels(skus: readonly string[], limits: WaitLimits): Promise<StockLevel[]> {
    return this.#levels.run(skus, limits);
  }

  /** Completes the calls in progress and rejects further calls. */
  async close(): Promise<void> {
    await Promise.all([
      this.#reserve.close(),
      this.#settle.close(),
      this.#find.close(),
      this.#levels.close(),
    ]);
  }

  /** Changes in the lane FAST wait for their turn; changes in the lane CONTENDED wait for the stock. */
  #change<Result>(
    { lane, deadline }: BatchContext,
    change: (db: Queryable) => Promise<ItemOutcome<Result>[]>,
  ): Promise<ItemOutcome<Result>[]> {
    const db = this.#db.within({ deadline });
    if (lane === 'FAST') return this.#takeTurn(() => change(db));
    return db.transaction(async (tx) => {
      await tx.query(setLockTimeout({ milliseconds: lockTimeoutMs }));
      return change(tx);
    });
  }

  async #takeTurn<T>(change: () => Promise<T>): Promise<T> {
    if (!this.#turns) return change();
    const turn = this.#turns.last.then(change);
    this.#turns.last = turn.catch(() => undefined);
    return turn;
  }
}
