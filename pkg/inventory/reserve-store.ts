import { sql, type Queryable } from '../postgres/index.js';
import type { Reservation, Shortage, StockLine } from './domain.js';

/*
 * One statement, one commit. How it is right at READ COMMITTED:
 *
 * - A row that others changed since the statement began is read as it is now by FOR UPDATE only. Hence
 *   the decision, and every value that is written, come from the locked rows. (An UPDATE would get its
 *   own row right as well, but CHECK constraints are tried before, on the values as of the beginning.)
 * - Each part depends on the one before, which fixes the order of locks: stock by SKU, then the new id.
 *   The insert waits for whoever is inserting or updating that id; they have all their locks by then.
 * - A known id takes no locks at all.
 *
 * Nothing is stored when expired claims hold what is short: the caller ends those and tries again.
 */
const reserve = sql(
  'inventory.reserve_stock',
  `with wanted as materialized (
     select sku, quantity from unnest($4::text[], $5::bigint[]) as line (sku, quantity)
     where not exists (select from reservations where id = $1)
   ), locked as materialized (
     select sku, on_hand, reserved, revision from stock
     where sku = any (array(select sku from wanted)) order by sku for update
   ), short as materialized (
     select w.sku, w.quantity as wanted, coalesce(l.on_hand - l.reserved, 0) as available,
       l.sku is not null as stocked
     from wanted w left join locked l on l.sku = w.sku
     where coalesce(l.on_hand - l.reserved, 0) < w.quantity
   ), verdict as materialized (
     select jsonb_agg(to_jsonb(short) order by sku) as shortages from short
   ), held as materialized (
     select shortages is not null and exists (
       select from reservations r join reservation_lines l on l.reservation_id = r.id
       where r.state = 'RESERVED' and r.expires_at <= now() and l.sku = any (array(select sku from short))
     ) as by_expired_claims
     from verdict
   ), claim as (
     insert into reservations (id, state, fingerprint, expires_at, shortages, created_at, updated_at)
     select $1, case when shortages is null then 'RESERVED' else 'REFUSED' end, $2,
       case when shortages is null then now() + $3::float8 * interval '1 millisecond' end,
       shortages, now(), now()
     from verdict where not (select by_expired_claims from held)
     on conflict (id) do nothing
     returning state, expires_at, shortages, created_at
   ), lines as (
     insert into reservation_lines (reservation_id, sku, quantity)
     select $1, w.sku, w.quantity from claim cross join wanted w
   ), taken as (
     update stock s set on_hand = l.on_hand, reserved = l.reserved + w.quantity,
       revision = l.revision + 1, updated_at = clock_timestamp()
     from claim c cross join wanted w join locked l on l.sku = w.sku
     where c.state = 'RESERVED' and s.sku = l.sku
   )
   select h.by_expired_claims, c.state, c.expires_at, c.shortages, c.created_at
   from held h left join claim c on true`,
);

export interface ReserveRequest {
  readonly id: string;
  /** In SKU order, one a SKU. */
  readonly lines: readonly StockLine[];
  readonly ttlMs: number;
  readonly fingerprint: Buffer;
}

interface ReserveRow {
  readonly by_expired_claims: boolean;
  readonly state: 'RESERVED' | 'REFUSED' | null;
  readonly expires_at: Date | null;
  readonly shortages: Shortage[] | null;
  readonly created_at: Date | null;
}

/**
 * Claims all lines, or stores the refusal. Undefined: there is a reservation of this id; `held`: expired
 * claims have what is short. Nothing was changed then.
 */
export async function reserveStock(
  db: Queryable,
  request: ReserveRequest,
): Promise<Reservation | 'held' | undefined> {
  const { id, lines, ttlMs, fingerprint } = request;
  const [row] = await db.query<ReserveRow>(reserve, [
    id,
    fingerprint,
    ttlMs,
    lines.map(({ sku }) => sku),
    lines.map(({ quantity }) => quantity),
  ]);
  if (row?.by_expired_claims === true) return 'held';
  if (!row?.state || !row.created_at) return undefined;
  return {
    id,
    state: row.state,
    lines,
    expiresAt: row.expires_at ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.created_at,
    fingerprint,
    shortages: row.shortages ?? undefined,
  };
}
