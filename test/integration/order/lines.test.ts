import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { money } from '../../../pkg/money/index.js';
import type { OrderLine, SagaOrder } from '../../../pkg/order/domain.js';
import { orderMigrations } from '../../../pkg/order/migrations.js';
import { acceptOrders, findOrder } from '../../../pkg/order/store.js';
import { anOrder } from '../../../pkg/order/testing/builders.js';
import { migrate, openDatabase, sql, type Database, type Queryable } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { failureOf } from '../../support/expect-reason.js';
import {
  createEmptyDatabase,
  testDatabaseConfig,
  type EmptyDatabase,
} from '../../support/postgres/test-database.js';

const migration = '0011_lines_of_orders.sql';

/** How the earlier version accepts an order. */
const earlierAccept = sql(
  'test.earlier_accept',
  `with accepted as (
     insert into orders (id, customer_id, request_id, fingerprint, state, currency, total_minor, payment_method,
       reservation_id, payment_id, refund_id, revision, traceparent, step, driver, created_at, updated_at)
     select $id::uuid, 'ada', $id, '', 'PENDING', 'USD', 1, 'pm', $id::uuid, $id::uuid, $id::uuid, 1, '', 'RESERVE_STOCK',
       null, now(), now()
     on conflict (customer_id, request_id) do nothing
     returning id
   ), lines as (
     insert into order_lines (order_id, sku, name, quantity, unit_price_minor)
     select accepted.id, line.sku, line.name, line.quantity, line.unit_price_minor
     from accepted
     cross join json_to_recordset($lines::json) as line (sku text, name text, quantity bigint, unit_price_minor bigint)
   )
   select id from accepted`,
);
/** How the earlier version reads the lines of orders. */
const earlierRead = sql(
  'test.earlier_read',
  `select o.id, (select json_agg(json_build_object('sku', l.sku, 'name', l.name, 'quantity', l.quantity,
     'unitPriceMinor', l.unit_price_minor) order by l.sku)
   from order_lines l where l.order_id = o.id) as lines
   from orders o where o.id = any($ids::uuid[]) order by o.id`,
);
const storeMany = sql(
  'test.store_lines_of_many_orders',
  `with stored as (
     insert into orders (id, customer_id, request_id, fingerprint, state, currency, total_minor, payment_method,
       reservation_id, payment_id, refund_id, revision, step, created_at, updated_at, lines)
     select gen_random_uuid(), 'bob', n::text, '', 'CONFIRMED', 'USD', 1, 'pm', gen_random_uuid(), gen_random_uuid(),
       gen_random_uuid(), 1, 'CONFIRM', now(), now(),
       case when n % 2 = 0 then '[{"sku": "espresso", "name": "", "quantity": 1, "unitPriceMinor": 1}]'::jsonb end
     from generate_series(1, 10000) n
     returning id, lines
   )
   insert into order_lines_stored (order_id, sku, name, quantity, unit_price_minor)
   select id, 'espresso', '', 1, 1 from stored where lines is null`,
);
const analyze = sql('test.analyze_lines', 'analyze');
// The counters include earlier transactions of the session.
const rowsRead = sql(
  'test.line_rows_read',
  `select sum(seq_tup_read + idx_tup_fetch)::int as read from pg_stat_xact_user_tables
   where relname in ('orders', 'order_lines_stored')`,
);
const countStored = sql('test.count_stored_lines', 'select count(*)::int as count from order_lines_stored');
const setLines = sql('test.set_lines', 'update orders set lines = $lines::jsonb where id = $id');

const most = BigInt(Number.MAX_SAFE_INTEGER);
const lines: readonly OrderLine[] = [
  { sku: 'Z-1', name: 'Zürich "Crema" ☕', quantity: most, unitPrice: money('USD', 1n) },
  { sku: 'espresso', name: '', quantity: 1n, unitPrice: money('USD', most) },
];

describe('the lines of an order', () => {
  let database: EmptyDatabase;
  /** One connection, whose statements were prepared before the migration. */
  let earlier: Database;
  let acceptedBefore: string;

  before(async () => {
    database = await createEmptyDatabase();
    await migrateBefore(database.url);
    const config = { ...testDatabaseConfig(database.url), poolMax: 1 };
    earlier = await openDatabase(config, { warn: () => undefined });
    acceptedBefore = await acceptEarlier(earlier);
    await readEarlier(earlier, [acceptedBefore]);
    await migrate(database.url, orderMigrations);
  });
  after(async () => {
    await earlier.close();
    await database.drop();
  });

  it('are stored in the row of the order, without a row for each line', async () => {
    const [before] = await earlier.query(countStored());
    const { id } = await accept(earlier);

    expect((await findOrder(earlier, id))?.lines).to.deep.equal(lines);
    expect(await earlier.query(countStored())).to.deep.equal([before]);
  });

  it('are read from orders that the earlier version accepted before or after the migration', async () => {
    for (const id of [acceptedBefore, await acceptEarlier(earlier)])
      expect((await findOrder(earlier, id))?.lines).to.deep.equal(lines);
  });

  it('are read by the earlier version from orders of every version', async () => {
    const ids = [acceptedBefore, await acceptEarlier(earlier), (await accept(earlier)).id];

    expect(await readEarlier(earlier, ids)).to.deep.equal(ids.map(() => lines.map(toJson)));
  });

  it('cost the earlier version one search in each table', async () => {
    const { id } = await accept(earlier);
    await earlier.query(storeMany());
    await earlier.query(analyze());
    const cost = await earlier.transaction(async (tx) => {
      const [before] = await tx.query<{ read: number }>(rowsRead());
      await readEarlier(tx, [id, acceptedBefore]);
      const [after] = await tx.query<{ read: number }>(rowsRead());
      return (after?.read ?? 0) - (before?.read ?? 0);
    });

    expect(cost).to.be.within(4, 10);
  });

  const invalid = {
    'an object': {},
    'no lines': [],
    'a quantity of zero': [toJson({ ...aLine(), quantity: 0n })],
    'a negative price': [toJson(aLine()), toJson({ ...aLine(), unitPrice: money('USD', -1n) })],
    'a line without a quantity': [{ sku: 'espresso', name: '', unitPriceMinor: 1 }],
  };
  for (const [label, value] of Object.entries(invalid))
    it(`cannot be ${label}`, async () => {
      const { id } = await accept(earlier);
      const failure = await failureOf(earlier.query(setLines({ id, lines: JSON.stringify(value) })));
      expect(failure).to.have.property('constraint', 'orders_have_lines');
    });
});

/** Applies the migrations that precede the one that stores lines in orders. */
async function migrateBefore(url: string): Promise<void> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'migrations-'));
  for (const file of await readdir(orderMigrations.directory))
    if (file < migration) await cp(path.join(orderMigrations.directory, file), path.join(directory, file));
  await migrate(url, { directory });
  await rm(directory, { recursive: true });
}

function aLine(): OrderLine {
  return { sku: 'espresso', name: '', quantity: 1n, unitPrice: money('USD', 1n) };
}

function toJson({ sku, name, quantity, unitPrice }: OrderLine) {
  return { sku, name, quantity: Number(quantity), unitPriceMinor: Number(unitPrice.minor) };
}

async function accept(db: Queryable): Promise<SagaOrder> {
  const order = anOrder({ lines });
  await acceptOrders(db, [{ order, fingerprint: Buffer.of(1), driver: uuidv7(), traceId: '' }]);
  return order;
}

async function acceptEarlier(db: Queryable): Promise<string> {
  const id = uuidv7();
  const rows = lines.toReversed().map(({ sku, name, quantity, unitPrice }) => ({
    sku,
    name,
    quantity: String(quantity),
    unit_price_minor: String(unitPrice.minor),
  }));
  await db.query(earlierAccept({ id, lines: JSON.stringify(rows) }));
  return id;
}

async function readEarlier(db: Queryable, ids: readonly string[]): Promise<unknown[]> {
  const rows = await db.query<{ id: string; lines: unknown }>(earlierRead({ ids }));
  return ids.map((id) => rows.find((row) => row.id === id)?.lines);
}
