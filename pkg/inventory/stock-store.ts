import { sql, type Queryable, type Transaction } from '../postgres/index.js';
import type { StockLevel } from './domain.js';

interface StockRow {
  readonly sku: string;
  readonly on_hand: bigint;
  readonly reserved: bigint;
  readonly revision: bigint;
  readonly updated_at: Date;
}

/**
 * Returns a query for the stock rows that the SQL clauses in `page` select. Expired reservations do not count as
 * reserved.
 */
function levels<const Page extends string>(page: Page) {
  return `with page as materialized (
     select sku, on_hand, reserved, revision, updated_at from stock ${page}
   ), expired as (
     select sku, sum(quantity)::bigint as quantity from open_reservation_lines
     where sku = any (array(select sku from page)) and expires_at <= now()
     group by sku
   )
   select p.sku, p.on_hand, p.reserved - coalesce(x.quantity, 0) as reserved, p.revision, p.updated_at
   from page p left join expired x on x.sku = p.sku
   order by p.sku` as const;
}

const read = sql('inventory.read_stock', levels('where sku = any ($skus::text[])'));
const list = sql('inventory.list_stock', levels('where sku > $after order by sku limit $limit'));

/** Returns the levels of the stocked SKUs among `skus`, sorted by SKU. */
export async function readStock(db: Queryable, skus: readonly string[]): Promise<StockLevel[]> {
  return (await db.query<StockRow>(read({ skus }))).map(toLevel);
}

/** Returns up to `limit` levels after the SKU `after`, sorted by SKU; '' starts at the first SKU. */
export async function listStock(db: Queryable, after: string, limit: number): Promise<StockLevel[]> {
  return (await db.query<StockRow>(list({ after, limit }))).map(toLevel);
}

// The audit is one statement, because levels and sums are comparable only within one snapshot.
const audit = sql(
  'inventory.audit_stock',
  `select s.sku, s.on_hand, (s.reserved - lines.expired)::bigint as reserved, s.revision, s.updated_at,
     (coalesce(c.on_hand, 0) + later.delta)::bigint as movements_sum,
     lines.open::bigint as open_sum,
     (coalesce(c.committed, 0) + later.committed)::bigint as committed_sum
   from stock s
   left join stock_checkpoints c on c.sku = s.sku
   cross join lateral (
     select coalesce(sum(delta), 0) as delta,
       coalesce(sum(-delta) filter (where kind in ('COMMIT', 'RETURN')), 0) as committed
     from stock_movements m where m.sku = s.sku and m.id > coalesce(c.movement_id, 0)
   ) later
   cross join lateral (
     select coalesce(sum(quantity) filter (where expires_at > now()), 0) as open,
       coalesce(sum(quantity) filter (where expires_at <= now()), 0) as expired
     from open_reservation_lines l where l.sku = s.sku
   ) lines
   where s.sku = any ($skus::text[])
   order by s.sku`,
);

interface AuditRow extends StockRow {
  readonly movements_sum: bigint;
  readonly open_sum: bigint;
  readonly committed_sum: bigint;
}

/** Returns the levels of the stocked SKUs among `skus` with the sums of their movements and open reservations. */
export async function auditStock(db: Queryable, skus: readonly string[]): Promise<StockLevel[]> {
  return (await db.query<AuditRow>(audit({ skus }))).map((row) =>
    Object.assign(toLevel(row), {
      audit: {
        movementsSum: row.movements_sum,
        openReservationsSum: row.open_sum,
        committedSum: row.committed_sum,
      },
    }),
  );
}

const lock = sql(
  'inventory.lock_stock',
  `select sku, on_hand, reserved, revision, updated_at from stock
   where sku = any ($skus::text[]) order by sku for update`,
);

/**
 * Locks the levels until the transaction ends, and returns the levels as stored: expired reservations count as
 * reserved until they are swept.
 */
export async function lockStock(tx: Transaction, skus: readonly string[]): Promise<StockLevel[]> {
  return (await tx.query<StockRow>(lock({ skus }))).map(toLevel);
}

const create = sql(
  'inventory.create_stock',
  `insert into stock (sku, on_hand, reserved, revision, updated_at) values ($sku, 0, 0, 0, now())
   on conflict (sku) do nothing`,
);

/** Inserts the stock row of a SKU if it is missing. */
export async function createStock(tx: Transaction, sku: string): Promise<void> {
  await tx.query(create({ sku }));
}

export interface Adjustment {
  /** Idempotency key; '' if the request has no key. */
  readonly requestId: string;
  readonly sku: string;
  readonly delta: bigint;
  readonly reason: string;
  /** Operator; '' when unknown. */
  readonly actor: string;
}

const adjust = sql(
  'inventory.adjust_stock',
  `with changed as (
     update stock set on_hand = on_hand + $delta, revision = revision + 1, updated_at = clock_timestamp()
     where sku = $sku
     returning sku
   )
   insert into stock_movements (sku, delta, kind, request_id, reason, actor)
   select sku, $delta, 'ADJUST', nullif($requestId, ''), $reason, $actor from changed`,
);

/** Changes `on_hand` and inserts the movement; requires that the transaction has locked and checked the level. */
export async function adjustLocked(tx: Transaction, adjustment: Adjustment): Promise<void> {
  const { sku, delta, requestId, reason, actor } = adjustment;
  await tx.query(adjust({ sku, delta, requestId, reason, actor }));
}

function toLevel(row: StockRow): StockLevel {
  return {
    sku: row.sku,
    onHand: row.on_hand,
    reserved: row.reserved,
    revision: row.revision,
    updatedAt: row.updated_at,
  };
}
