import { sql, type Queryable, type Transaction } from '../postgres/index.js';
import type { StockLevel } from './domain.js';

interface StockRow {
  readonly sku: string;
  readonly on_hand: bigint;
  readonly reserved: bigint;
  readonly revision: bigint;
  readonly updated_at: Date;
}

/** The levels of `page`, without what expired claims still hold. */
function levels(page: string): string {
  return `with page as materialized (
     select sku, on_hand, reserved, revision, updated_at from stock ${page}
   ), lapsed as (
     select l.sku, sum(l.quantity)::bigint as quantity
     from reservations r join reservation_lines l on l.reservation_id = r.id
     where r.state = 'RESERVED' and r.expires_at <= now() and l.sku = any (array(select sku from page))
     group by l.sku
   )
   select p.sku, p.on_hand, p.reserved - coalesce(x.quantity, 0) as reserved, p.revision, p.updated_at
   from page p left join lapsed x on x.sku = p.sku
   order by p.sku`;
}

const read = sql('inventory.read_stock', levels('where sku = any ($1::text[])'));
const list = sql('inventory.list_stock', levels('where sku > $1 order by sku limit $2'));
const lock = sql(
  'inventory.lock_stock',
  `select sku, on_hand, reserved, revision, updated_at from stock
   where sku = any ($1::text[]) order by sku for update`,
);
const create = sql(
  'inventory.create_stock',
  `insert into stock (sku, on_hand, reserved, revision, updated_at) values ($1, 0, 0, 0, now())
   on conflict (sku) do nothing`,
);
const adjust = sql(
  'inventory.adjust_stock',
  `with changed as (
     update stock set on_hand = on_hand + $2, revision = revision + 1, updated_at = clock_timestamp()
     where sku = $1
     returning sku
   )
   insert into stock_movements (sku, delta, kind, request_id, reason)
   select sku, $2, 'ADJUST', nullif($3, ''), $4 from changed`,
);

/** Levels of the SKUs that are stocked, in SKU order. */
export async function readStock(db: Queryable, skus: readonly string[]): Promise<StockLevel[]> {
  return (await db.query<StockRow>(read, [skus])).map(levelOf);
}

/** Up to `limit` levels after the SKU `after`, in SKU order; '' is before all. */
export async function listStock(db: Queryable, after: string, limit: number): Promise<StockLevel[]> {
  return (await db.query<StockRow>(list, [after, limit])).map(levelOf);
}

/** Levels as stored, unswept claims included, locked until the transaction ends. */
export async function lockStock(tx: Transaction, skus: readonly string[]): Promise<StockLevel[]> {
  return (await tx.query<StockRow>(lock, [skus])).map(levelOf);
}

/** Makes sure that the SKU has a row. */
export async function createStock(tx: Transaction, sku: string): Promise<void> {
  await tx.query(create, [sku]);
}

export interface Adjustment {
  readonly requestId: string;
  readonly sku: string;
  readonly delta: bigint;
  readonly reason: string;
}

/** Changes `on_hand` and records why; the caller holds the lock and has checked. */
export async function adjustLocked(tx: Transaction, adjustment: Adjustment): Promise<void> {
  const { sku, delta, requestId, reason } = adjustment;
  await tx.query(adjust, [sku, delta, requestId, reason]);
}

function levelOf(row: StockRow): StockLevel {
  return {
    sku: row.sku,
    onHand: row.on_hand,
    reserved: row.reserved,
    revision: row.revision,
    updatedAt: row.updated_at,
  };
}
