import { expect } from 'chai';
import { readParked, readUnfinished } from '../../../pkg/order/metrics-queries.js';
import { orderMigrations } from '../../../pkg/order/migrations.js';
import {
  claimDueOrders,
  claimOrdersOf,
  claimReleasedOrders,
  findOrphans,
} from '../../../pkg/order/saga/claim-store.js';
import { releaseInstanceOrders, tidyInstances } from '../../../pkg/order/saga/instance-store.js';
import { sql, type Transaction } from '../../../pkg/postgres/index.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';

const instance = '00000000-0000-7000-8000-000000000001';

// Of the last nine orders, the instance drives three, three are released, and three are parked and due.
const insert = sql(
  'test.insert_mostly_finished_orders',
  `insert into orders (id, customer_id, request_id, fingerprint, state, currency, total_minor, payment_method,
     reservation_id, payment_id, refund_id, revision, step, created_at, updated_at, driver, next_attempt_at)
   select ('00000000-' || lpad(to_hex(n), 4, '0') || '-7000-8000-000000000000')::uuid, 'ada', n::text, '',
     case when remaining > 8 then 'CONFIRMED' when remaining % 2 = 0 then 'PENDING' else 'CANCELLING' end, 'USD', 1, 'pm',
     gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'RESERVE_STOCK', now(), now(),
     case when remaining < 3 then $instance::uuid end, case when remaining between 3 and 5 then now() end
   from generate_series(1, 20000) n, lateral (select 20000 - n as remaining) as position`,
);
const analyze = sql('test.analyze_mostly_finished', 'analyze orders');
// The counters include earlier transactions of the session.
const rowsRead = sql(
  'test.order_rows_read',
  `select (seq_tup_read + idx_tup_fetch)::int as read from pg_stat_xact_user_tables where relname = 'orders'`,
);

const claim = { instance, steps: ['RESERVE_STOCK'], limit: 10 };
const searches: Record<string, (tx: Transaction) => Promise<unknown>> = {
  'the claim of the orders of an instance': (tx) => claimOrdersOf(tx, [instance], claim),
  'the claim of released orders': (tx) => claimReleasedOrders(tx, claim),
  'the claim of due orders': (tx) => claimDueOrders(tx, claim),
  'the search for orphans': (tx) => findOrphans(tx, { ...claim, active: [], first: instance }),
  'the release of the orders of an instance': (tx) => releaseInstanceOrders(tx, instance),
  'the search for drivers without a heartbeat': (tx) => tidyInstances(tx),
  'the gauge of unfinished orders': readUnfinished,
  'the gauge of parked orders': readParked,
};

describe('with many finished orders', () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createTestDatabase(orderMigrations);
    await database.db.query(insert({ instance }));
    await database.db.query(analyze());
  });
  afterEach(() => database.drop());

  for (const [name, search] of Object.entries(searches))
    it(`${name} reads only unfinished orders`, async () => {
      const cost = await database.db.transaction(async (tx) => {
        const [before] = await tx.query<{ read: number }>(rowsRead());
        await search(tx);
        const [after] = await tx.query<{ read: number }>(rowsRead());
        return (after?.read ?? 0) - (before?.read ?? 0);
      });

      // A claim or release reads a row more than once, and the row may have dead versions.
      expect(cost).to.be.within(1, 60);
    });
});
