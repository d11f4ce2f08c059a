import { openDatabase, sql, type BoundStatement } from '../pkg/postgres/index.js';
import type { System } from './system.js';

interface OrderTable {
  readonly table: string;
  /** Columns that identify an order or one of its parts; a copy of an order has copies of the ids. */
  readonly ids: readonly string[];
  /** Column with generated numbers. */
  readonly serial: string | null;
}

/** Finds the tables with rows for each order: those with an id. The table `instances` has rows for each process. */
const findTables = sql(
  'bench.find_tables',
  `select table_name as table,
     array_agg(column_name::text) filter (where data_type = 'uuid' or column_name = 'request_id') as ids,
     max(column_name::text) filter (where is_identity = 'YES') as serial
   from information_schema.columns
   join information_schema.tables using (table_schema, table_name)
   where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'instances'
   group by table_name having bool_or(data_type = 'uuid')`,
);
const recountStock = sql(
  'bench.recount_stock',
  `update stock set on_hand = (select sum(delta) from stock_movements where stock_movements.sku = stock.sku)
   where exists (select from stock_movements where stock_movements.sku = stock.sku)`,
);
const vacuum = sql('bench.vacuum', 'vacuum analyze');

/** Places a thousand orders, one of each customer, and copies all their rows until `count` orders are stored. */
export async function storeOrders(system: System, count: number): Promise<void> {
  const placed = await system.placeOneOfEachCustomer();
  await copyOrders((name) => system.databaseUrl(name), Math.round(count / placed) - 1);
}

/** Copies the rows of all orders, which must be terminal, `copies` times. The stock changes as if all were sold. */
export async function copyOrders(urlOf: (database: string) => string, copies: number): Promise<void> {
  if (copies > 0)
    await Promise.all(['orders', 'inventory', 'payment'].map((name) => copyRows(urlOf(name), name, copies)));
}

async function copyRows(url: string, name: string, copies: number): Promise<void> {
  const hour = 3_600_000;
  const database = await openDatabase(
    {
      url,
      poolMax: 1,
      connectTimeoutMs: 30_000,
      statementTimeoutMs: hour,
      // Without triggers and checks of foreign keys.
      settings: { session_replication_role: 'replica' },
    },
    { warn: () => undefined },
  );
  try {
    for (const each of await database.query<OrderTable>(findTables()))
      await database.query(copyTable(each, copies));
    if (name === 'inventory') await database.query(recountStock());
    await database.query(vacuum());
  } finally {
    await database.close();
  }
}

/**
 * Copies all rows of a table. The last group of an id becomes the number of the copy, so that the copies of one id are equal
 * in all databases, and close to each other in the indexes like ids of one time. The load numbers its request ids in the
 * same group from zero, so the copies are numbered from 2^40.
 */
function copyTable({ table, ids, serial }: OrderTable, copies: number): BoundStatement {
  const changes = ids.map(
    (id) => `'${id}', overlay(t.${id}::text placing lpad(to_hex(n + 1099511627776), 12, '0') from 25)`,
  );
  if (serial !== null) changes.push(`'${serial}', nextval(pg_get_serial_sequence('${table}', '${serial}'))`);
  return {
    name: `bench.copy_${table}`,
    text: `insert into ${table} overriding system value select r.*
      from ${table} t, generate_series(1, $1::int) n,
        lateral jsonb_populate_record(t, jsonb_build_object(${changes.join(', ')})) r`,
    values: [copies],
  };
}
