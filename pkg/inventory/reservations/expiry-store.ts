import { sql, type Queryable } from '../../postgres/index.js';

/**
 * Returns a statement that expires the reservations which the CTE `due` selects without a lock. `lock` is the locking
 * clause of the stock rows. Reservations whose stock is not locked are skipped.
 */
function expire<const Due extends string, const Lock extends string>(due: Due, lock: Lock) {
  return `with ${due}, wanted as materialized (
     select l.reservation_id, l.sku, l.quantity from due d join reservation_lines l on l.reservation_id = d.id
   ), locked as materialized (
     select sku, on_hand, reserved, revision from stock
     where sku = any (array(select sku from wanted)) order by sku ${lock}
   ), skipped as materialized (
     select reservation_id from wanted where sku <> all (array(select sku from locked))
   ), target as materialized (
     select id from reservations
     where id = any (array(select id from due except select reservation_id from skipped))
       and state = 'RESERVED' and expires_at <= now()
     order by id for update
   ), lines as materialized (
     select w.reservation_id, w.sku, w.quantity from target t join wanted w on w.reservation_id = t.id
   ), freed as (
     update stock s set on_hand = k.on_hand, reserved = k.reserved - u.quantity,
       revision = k.revision + 1, updated_at = clock_timestamp()
     from locked k join (select sku, sum(quantity)::bigint as quantity from lines group by sku) u on u.sku = k.sku
     where s.sku = k.sku
   ), expired as (
     update reservations r set state = 'EXPIRED', updated_at = r.expires_at from target t where r.id = t.id
     returning r.id
   )
   select e.id, array_agg(l.sku order by l.sku) as skus
   from expired e join lines l on l.reservation_id = e.id
   group by e.id` as const;
}

// SKIP LOCKED lets replicas sweep concurrently, and the sweep delays no other call.
const sweep = sql(
  'inventory.sweep_expired',
  expire(
    `due as materialized (
     select id from reservations where state = 'RESERVED' and expires_at <= now()
     order by expires_at limit $limit
   )`,
    'for update skip locked',
  ),
);

// The statement waits for locked stock, because the caller needs it.
const expireBySku = sql(
  'inventory.expire_by_sku',
  expire(
    `due as materialized (
     select distinct reservation_id as id from (
       select reservation_id from open_reservation_lines where sku = any ($skus::text[]) and expires_at <= now()
       order by expires_at limit $limit
     ) line
   )`,
    'for update',
  ),
);

const hasExpired = sql(
  'inventory.has_expired_reservations',
  `select exists (
     select from open_reservation_lines where sku = any ($skus::text[]) and expires_at <= now()
   ) as found`,
);

export interface ExpiredReservation {
  readonly id: string;
  readonly skus: readonly string[];
}

/** Expires up to `limit` due reservations. Reservations whose stock another transaction has locked are skipped. */
export function sweepExpired(db: Queryable, limit: number): Promise<ExpiredReservation[]> {
  return db.query<ExpiredReservation>(sweep({ limit }));
}

/** Expires due reservations that have a line with one of `skus`, up to `limit` of these lines. */
export function expireReservationsOf(
  db: Queryable,
  skus: readonly string[],
  limit: number,
): Promise<ExpiredReservation[]> {
  return db.query<ExpiredReservation>(expireBySku({ skus, limit }));
}

/** Returns whether any expired reservation that is not swept holds stock of one of `skus`. */
export async function hasExpiredReservations(db: Queryable, skus: readonly string[]): Promise<boolean> {
  const [row] = await db.query<{ found: boolean }>(hasExpired({ skus }));
  return row?.found === true;
}
