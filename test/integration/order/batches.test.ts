import { expect } from 'chai';
import * as fc from 'fast-check';
import { isAppError } from '../../../pkg/errors/index.js';
import type { SagaOrder, TimelineEntry } from '../../../pkg/order/domain.js';
import { orderMigrations } from '../../../pkg/order/migrations.js';
import { OrderBatches } from '../../../pkg/order/order-batches.js';
import type { Progress } from '../../../pkg/order/saga/store.js';
import { lockOrder, readTimeline, type Acceptance } from '../../../pkg/order/store.js';
import { anOrder } from '../../../pkg/order/testing/builders.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { RecordingDatabase } from '../../support/recording-database.js';

const countDeadlocks = sql(
  'test.order_deadlocks',
  'select deadlocks::int from pg_stat_database where datname = current_database()',
);

const driver = uuidv7();

function anAcceptance(overrides: Partial<SagaOrder> = {}): Acceptance {
  return { order: anOrder(overrides), fingerprint: Buffer.alloc(32, 7), driver, traceId: 'trace' };
}

/** The write of an attempt in doubt on top of `revision`. */
function aDoubt(order: SagaOrder, revision: number, detail = 'no answer'): Progress {
  const entry: TimelineEntry = {
    revision: revision + 1,
    from: 'PENDING',
    to: 'PENDING',
    step: 'RESERVE_STOCK',
    outcome: 'IN_DOUBT',
    attempt: revision,
    time: new Date(),
    traceId: '',
    detail,
  };
  return {
    order: { ...order, revision: revision + 1, failures: revision },
    entries: [entry],
    expected: { revision, driver },
    next: { kind: 'DRIVEN', driver },
  };
}

/** Repeats a write whose row another transaction holds, as a saga does. */
async function recordLikeSaga(target: OrderBatches, progress: Progress): Promise<boolean> {
  for (;;) {
    try {
      return await target.record(progress);
    } catch (error) {
      if (!isAppError(error, 'CONFLICT')) throw error;
    }
  }
}

describe('OrderBatches', () => {
  let database: TestDatabase;
  let recording: RecordingDatabase;
  let batches: OrderBatches;

  before(async () => {
    database = await createTestDatabase(orderMigrations);
    recording = new RecordingDatabase(database.db);
    batches = new OrderBatches(recording, { maxItems: 64 });
  });
  after(async () => {
    await batches.close();
    await database.drop();
  });

  const accept = async (...acceptances: Acceptance[]): Promise<boolean[]> =>
    Promise.all(acceptances.map((acceptance) => batches.accept(acceptance, {})));

  it('accepts, records and reads concurrent orders with one statement each', async () => {
    const acceptances = Array.from({ length: 64 }, () => anAcceptance());
    const first = recording.statements.length;

    const accepted = await accept(...acceptances);
    const stored = await Promise.all(acceptances.map(({ order }) => batches.record(aDoubt(order, 1))));
    const orders = await Promise.all(acceptances.map(({ order }) => batches.find(order.id)));

    expect(new Set([...accepted, ...stored])).to.deep.equal(new Set([true]));
    expect(orders.map((order) => order?.id)).to.deep.equal(acceptances.map(({ order }) => order.id));
    expect(new Set(orders.map((order) => order?.revision))).to.deep.equal(new Set([2]));
    expect(recording.statements.slice(first)).to.deep.equal(['order.accept', 'saga.record', 'order.get']);
  });

  it('stores an order as it was accepted', async () => {
    const acceptance = anAcceptance({ customerId: 'zoë "quoted" \\ {}', paymentMethod: 'pm_slow' });
    await accept(acceptance);

    expect(await batches.find(acceptance.order.id)).to.deep.equal(acceptance.order);
    expect(await batches.find(uuidv7())).to.equal(undefined);
  });

  it('accepts one of several concurrent orders with the same request id', async () => {
    const requestId = uuidv7();
    const rivals = Array.from({ length: 5 }, () => anAcceptance({ requestId }));

    const accepted = await accept(...rivals, anAcceptance({ requestId, customerId: 'grace' }));

    expect(accepted).to.deep.equal([true, false, false, false, false, true]);
  });

  it('rejects only the stale writes of a batch', async () => {
    const [first, second, third] = [anAcceptance(), anAcceptance(), anAcceptance()] as const;
    await accept(first, second, third);

    const stored = await Promise.all([
      batches.record(aDoubt(first.order, 1)),
      batches.record(aDoubt(second.order, 7)),
      batches.record({ ...aDoubt(third.order, 1), expected: { revision: 1, driver: uuidv7() } }),
    ]);

    expect(stored).to.deep.equal([true, false, false]);
    expect(await readTimeline(database.db, second.order.id, 0)).to.have.lengthOf(1);
  });

  it('does not delay other writes while another transaction holds rows', async () => {
    const held = [anAcceptance(), anAcceptance()];
    const others = Array.from({ length: 20 }, () => anAcceptance());
    await accept(...held, ...others);
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: locked, resolve: onLocked } = Promise.withResolvers<void>();
    const holder = database.db.transaction(async (tx) => {
      for (const { order } of held) await lockOrder(tx, order.id);
      onLocked();
      await released;
    });
    await locked;

    const blocked = held.map(({ order }) => batches.record(aDoubt(order, 1)));
    const rest = others.map(({ order }) => batches.record(aDoubt(order, 1)));
    const first = await Promise.race([Promise.allSettled(blocked).then(() => 'held'), Promise.all(rest)]);
    expect(first).to.deep.equal(others.map(() => true));
    for (const result of await Promise.allSettled(blocked))
      expect(result).to.have.property('reason').that.includes({ reason: 'CONFLICT' });

    release();
    await holder;
    expect(await Promise.all(held.map(({ order }) => batches.record(aDoubt(order, 1))))).to.deep.equal([
      true,
      true,
    ]);
  });

  it('stores nothing for an order that does not exist', async () => {
    expect(await batches.record(aDoubt(anOrder(), 1))).to.equal(false);
  });

  it('fails only the write that the database rejects', async () => {
    const [good, bad] = [anAcceptance(), anAcceptance()];
    await accept(good, bad);

    const [first, second] = await Promise.allSettled([
      batches.record(aDoubt(good.order, 1)),
      batches.record({ ...aDoubt(bad.order, 1), order: { ...bad.order, revision: 2, failures: -1 } }),
    ]);

    expect(first).to.deep.equal({ status: 'fulfilled', value: true });
    expect(second?.status).to.equal('rejected');
  });

  it('stores a detail that ends within a surrogate pair', async () => {
    const acceptance = anAcceptance();
    await accept(acceptance);

    expect(await batches.record(aDoubt(acceptance.order, 1, 'lost \ud83d'))).to.equal(true);
  });

  it('has the results of single statements, without deadlocks, when two replicas write the same orders', async () => {
    const replica = new OrderBatches(database.db, { maxItems: 64 });
    const single = new OrderBatches(database.db, { maxItems: 1 });
    const write = fc.record({
      order: fc.nat(7),
      replica: fc.boolean(),
      revision: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(write, { minLength: 8, maxLength: 96 }), async (writes) => {
        const orders = Array.from({ length: 8 }, () => anAcceptance());
        await accept(...orders);
        const results = await Promise.all(
          writes.map(async ({ order, replica: isReplica, revision }) => {
            const acceptance = orders[order] as Acceptance;
            const target = isReplica ? replica : batches;
            return {
              order,
              revision,
              stored: await recordLikeSaga(target, aDoubt(acceptance.order, revision)),
            };
          }),
        );
        // Each revision is written at most once, and no write is stored above a revision that is missing.
        for (const [index, { order }] of orders.entries()) {
          const revisions = results.flatMap((result) =>
            result.order === index && result.stored ? [result.revision] : [],
          );
          const timeline = await readTimeline(database.db, order.id, 0);
          expect(revisions.toSorted((a, b) => a - b)).to.deep.equal(
            revisions.map((_, position) => position + 1),
          );
          expect(timeline.map(({ revision }) => revision)).to.deep.equal([
            1,
            ...revisions.map((_, i) => i + 2),
          ]);
          expect(await single.record(aDoubt(order, timeline.length))).to.equal(true);
        }
      }),
      { numRuns: 25 },
    );
    expect(await database.db.query(countDeadlocks())).to.deep.equal([{ deadlocks: 0 }]);
    await Promise.all([replica.close(), single.close()]);
  });
});
