import { sql, type Queryable } from '../postgres/index.js';
import type { StockLevel } from './domain.js';

/** Level and records in one snapshot, or they could not be compared. */
const audit = sql(
  'inventory.audit_stock',
  `with moved as (
     select sku, sum(delta)::bigint as total from stock_movements where sku = any ($1::text[]) group by sku
   ), claimed as (
     select l.sku,
       sum(l.quantity) filter (where r.state = 'RESERVED' and r.expires_at > now()) as open,
       sum(l.quantity) filter (where r.state = 'RESERVED' and r.expires_at <= now()) as lapsed,
       sum(l.quantity) filter (where r.state = 'COMMITTED') as committed
     from reservation_lines l join reservations r on r.id = l.reservation_id
     where l.sku = any ($1::text[]) and r.state in ('RESERVED', 'COMMITTED')
     group by l.sku
   )
   select s.sku, s.on_hand, (s.reserved - coalesce(c.lapsed, 0))::bigint as reserved, s.revision, s.updated_at,
     coalesce(m.total, 0) as movements_sum,
     coalesce(c.open, 0)::bigint as open_sum,
     coalesce(c.committed, 0)::bigint as committed_sum
   from stock s
   left join moved m on m.sku = s.sku
   left join claimed c on c.sku = s.sku
   where s.sku = any ($1::text[])
   order by s.sku`,
);

interface AuditRow {
  readonly sku: string;
  readonly on_hand: bigint;
  readonly reserved: bigint;
  readonly revision: bigint;
  readonly updated_at: Date;
  readonly movements_sum: bigint;
  readonly open_sum: bigint;
  readonly committed_sum: bigint;
}

/** Levels of the SKUs that are stocked and what their whole history adds up to, in SKU order. */
export async function auditStock(db: Queryable, skus: readonly string[]): Promise<StockLevel[]> {
  return (await db.query<AuditRow>(audit, [skus])).map((row) => ({
    sku: row.sku,
    onHand: row.on_hand,
    reserved: row.reserved,
    revision: row.revision,
    updatedAt: row.updated_at,
    audit: {
      movementsSum: row.movements_sum,
      openReservationsSum: row.open_sum,
      committedSum: row.committed_sum,
    },
  }));
}
