import { expect } from 'chai';
import { listOrders, type OrderFilter } from '../../../pkg/order/listing-store.js';
import { orderMigrations } from '../../../pkg/order/migrations.js';
import { openDatabase, sql, type Database } from '../../../pkg/postgres/index.js';
import {
  createTestDatabase,
  testDatabaseConfig,
  type TestDatabase,
} from '../../support/postgres/test-database.js';

const stored = 20_000;

// The orders of `ada` and the REJECTED orders are the oldest, and every other customer and state has many orders.
const insert = sql(
  'test.insert_orders',
  `insert into orders (id, customer_id, request_id, fingerprint, state, currency, total_minor, rejection,
     payment_method, reservation_id, payment_id, refund_id, revision, step, created_at, updated_at, blocked_since,
     blocked_reason, lines)
   select ('00000000-' || lpad(to_hex(n), 4, '0') || '-7000-8000-000000000000')::uuid,
     case when n <= 5 then 'ada' when n % 2 = 0 then 'bob' else 'carol' end, n::text, '',
     case when n <= 3 then 'REJECTED' when n in (10, 11) then 'CANCELLING' else 'CONFIRMED' end, 'USD', 1,
     case when n <= 3 then '{}'::jsonb end, 'pm', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'CONFIRM',
     now(), now(), case when n in (10, 11) then now() end, case when n in (10, 11) then 'REFUND_DECLINED' end,
     '[{"sku": "espresso", "name": "", "quantity": 1, "unitPriceMinor": 1}]'
   from generate_series(1, $stored) n`,
);
const analyze = sql('test.analyze_orders', 'analyze orders');
// The counters include earlier transactions of the session.
const rowsRead = sql(
  'test.rows_read',
  `select (seq_tup_read + idx_tup_fetch)::int as read from pg_stat_xact_user_tables where relname = 'orders'`,
);

const noFilter: OrderFilter = {
  customerId: '',
  state: undefined,
  createdFrom: undefined,
  createdBefore: undefined,
  blockedOnly: false,
};

/** A filter with few orders, and a filter of the same statement with many orders. */
const cases: Record<string, { few: Partial<OrderFilter>; many: Partial<OrderFilter>; found: number }> = {
  'a customer': { few: { customerId: 'ada' }, many: { customerId: 'bob' }, found: 5 },
  'a state': { few: { state: 'REJECTED' }, many: { state: 'CONFIRMED' }, found: 3 },
  'a customer and a state': {
    few: { customerId: 'ada', state: 'CONFIRMED' },
    many: { customerId: 'bob', state: 'CONFIRMED' },
    found: 2,
  },
  'a time': { few: { createdBefore: new Date(5) }, many: { createdFrom: new Date(0) }, found: 4 },
  'blocked orders': { few: { blockedOnly: true }, many: { blockedOnly: true }, found: 2 },
};

describe('the cost of ListOrders', () => {
  let database: TestDatabase;
  let db: Database;

  before(async () => {
    database = await createTestDatabase(orderMigrations);
    await database.db.query(insert({ stored }));
    await database.db.query(analyze());
    // With one connection, all executions share the prepared statements and their plans.
    db = await openDatabase({ ...testDatabaseConfig(database.url), poolMax: 1 }, { warn: () => undefined });
  });
  after(async () => {
    await db.close();
    await database.drop();
  });

  for (const [name, { few, many, found }] of Object.entries(cases))
    it(`depends only on the number of listed orders, with the filter ${name}, after calls that list many orders`, async () => {
      for (let call = 1; call <= 6; call += 1)
        await listOrders(db, { ...noFilter, ...many }, { after: undefined, size: 1000 });

      const [page, cost] = await db.transaction(async (tx) => {
        const [before] = await tx.query<{ read: number }>(rowsRead());
        const listed = await listOrders(tx, { ...noFilter, ...few }, { after: undefined, size: 50 });
        const [after] = await tx.query<{ read: number }>(rowsRead());
        return [listed, (after?.read ?? 0) - (before?.read ?? 0)] as const;
      });

      expect(page.orders).to.have.lengthOf(found);
      // The planner and the cleanup of dead rows may read a few more rows.
      expect(cost).to.be.at.most(20);
    });
});
