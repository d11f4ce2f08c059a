import { Batcher, done, doneUnlessContended, readBatcher, type Database } from '../postgres/index.js';
import type { Batching, WaitLimits } from '../runtime/index.js';
import type { Payment } from './domain.js';
import { insertIntents, recordIntentAnswers, type AnsweredIntent } from './intents/store.js';
import {
  capturePayments,
  findPayments,
  type BatchChange,
  type Capture,
  type PaymentRequest,
} from './payment-store.js';

/** Time before another attempt to write a payment whose row another transaction holds. */
const contendedDelayMs = 50;
/** Maximum number of batches of one operation in flight. */
const concurrency = 2;

/**
 * Writes and reads of payments that concurrent calls share: one statement and one commit for many payments. No gateway
 * call is part of a batch.
 */
export class PaymentBatches {
  readonly #insert: Batcher<PaymentRequest, Payment | undefined>;
  readonly #record: Batcher<AnsweredIntent, BatchChange>;
  readonly #capture: Batcher<Capture, BatchChange>;
  readonly #find: Batcher<string, Payment | undefined>;

  /** @param leaseMs time within which the resolver does not look up a new intent */
  constructor(
    db: Database,
    { batching, leaseMs }: { readonly batching: Batching; readonly leaseMs: number },
  ) {
    // A repeated request must find the payment of the first request.
    const writes = { batching, concurrency, contendedDelayMs, sameBody: () => false };
    this.#insert = new Batcher({
      ...writes,
      operation: 'payment.insert_intent',
      keyOf: ({ paymentId }) => paymentId,
      execute: async (requests, { deadline }) => {
        const inserted = await insertIntents(db.within({ deadline }), requests, leaseMs);
        return requests.map(({ paymentId }) => done(inserted.get(paymentId)));
      },
    });
    // The deadline of a caller does not apply to answers: they describe what has happened at the gateway.
    this.#record = new Batcher({
      ...writes,
      operation: 'payment.record_answer',
      keyOf: ({ id }) => id,
      execute: async (answered) => {
        const changed = await recordIntentAnswers(db, answered);
        return answered.map(({ id }) => doneUnlessContended(changed.get(id)));
      },
    });
    this.#capture = new Batcher({
      ...writes,
      operation: 'payment.capture',
      keyOf: ({ id }) => id,
      execute: async (captures) => {
        const changed = await capturePayments(db, captures);
        return captures.map(({ id }) => doneUnlessContended(changed.get(id)));
      },
    });
    this.#find = readBatcher({
      operation: 'payment.find',
      batching,
      concurrency,
      read: (ids, limits) => findPayments(db.within(limits), ids),
    });
  }

  /** Returns undefined, without a change, if the id is taken or the order has a live payment. */
  insertIntent(request: PaymentRequest, limits: WaitLimits): Promise<Payment | undefined> {
    return this.#insert.run(request, limits);
  }

  /**
   * Returns undefined, without a change, if the payment is not an intent.
   * @throws AppError CONFLICT when another transaction holds the row
   */
  async recordAnswer(answered: AnsweredIntent): Promise<Payment | undefined> {
    return (await this.#record.run(answered)).changed;
  }

  /**
   * Returns undefined, without a change, unless the payment is AUTHORIZED.
   * @throws AppError CONFLICT when another transaction holds the row
   */
  async capture(capture: Capture): Promise<Payment | undefined> {
    return (await this.#capture.run(capture)).changed;
  }

  /** The result is newer than the call. */
  find(id: string, limits: WaitLimits = {}): Promise<Payment | undefined> {
    return this.#find.run(id, limits);
  }

  /** Completes the calls in progress and rejects further calls. */
  async close(): Promise<void> {
    const batchers = [this.#insert, this.#record, this.#capture, this.#find];
    await Promise.all(batchers.map((batcher) => batcher.close()));
  }
}
