import { Batcher, done, doneUnlessContended, readBatcher, sql, type Database } from '../postgres/index.js';
import type { Batching, WaitLimits } from '../runtime/index.js';
import type { SagaOrder } from './domain.js';
import { recordAll, type Progress } from './saga/store.js';
import { acceptOrders, findOrderRows, toOrder, type Acceptance, type OrderRow } from './store.js';

/** Time before another attempt to write an order whose row another transaction holds. */
const contendedDelayMs = 50;
/** Maximum number of batches of one operation in flight. */
const concurrency = 2;

const readTime = sql('order.database_time', 'select now() as now');

/**
 * Writes and reads of orders that concurrent calls share: one statement and one commit for many orders. A call takes
 * part in one batch and gets the result of its own order.
 */
export class OrderBatches {
  readonly #accept: Batcher<Acceptance, boolean>;
  readonly #record: Batcher<Progress, boolean>;
  readonly #find: Batcher<string, OrderRow | undefined>;
  readonly #time: Batcher<'now', Date>;

  constructor(db: Database, batching: Batching) {
    const shared = { batching, concurrency };
    this.#accept = new Batcher({
      ...shared,
      operation: 'order.accept',
      keyOf: ({ order }) => JSON.stringify([order.customerId, order.requestId]),
      // A repeated request must find the order of the first request, which has another id.
      sameBody: () => false,
      sizeOf: ({ order }) => 1024 + 256 * order.lines.length,
      execute: async (items, { deadline }) => {
        const accepted = await acceptOrders(db.within({ deadline }), items);
        return items.map(({ order }) => done(accepted.has(order.id)));
      },
    });
    this.#record = new Batcher({
      ...shared,
      operation: 'saga.record',
      keyOf: ({ order }) => order.id,
      sameBody: () => false,
      contendedDelayMs,
      // The deadline of a caller does not apply: the entries describe what has happened in other services.
      execute: async (items) => {
        const stored = await recordAll(db, items);
        return items.map(({ order }) => doneUnlessContended(stored.get(order.id)));
      },
    });
    this.#find = readBatcher({
      ...shared,
      operation: 'order.get',
      read: async (ids, limits) => {
        const rows = await findOrderRows(db.within(limits), ids);
        return new Map(rows.map((row) => [row.id, row]));
      },
    });
    this.#time = new Batcher({
      ...shared,
      operation: 'order.database_time',
      keyOf: (key) => key,
      sameBody: () => true,
      execute: async (keys) => {
        const [row] = await db.query<{ now: Date }>(readTime());
        if (!row) throw new Error('the database returned no time');
        return keys.map(() => done(row.now));
      },
    });
  }

  /** Stores a new order. Returns false when the customer has used the request id before. */
  accept(acceptance: Acceptance, limits: WaitLimits): Promise<boolean> {
    return this.#accept.run(acceptance, limits);
  }

  /**
   * Like `recordProgress`, with a short wait while another transaction holds the row.
   * @throws AppError CONFLICT when the row is still held; nothing is written then
   */
  record(progress: Progress): Promise<boolean> {
    return this.#record.run(progress);
  }

  /** The result is newer than the call. */
  async find(id: string, limits: WaitLimits = {}): Promise<SagaOrder | undefined> {
    const row = await this.#find.run(id, limits);
    return row && toOrder(row);
  }

  /** Returns the time of the database, which all replicas share. The clock of a replica may be wrong. */
  databaseTime(): Promise<Date> {
    return this.#time.run('now');
  }

  /** Completes the calls in progress and rejects further calls. */
  async close(): Promise<void> {
    await Promise.all([this.#accept, this.#record, this.#find, this.#time].map((batcher) => batcher.close()));
  }
}
