import { sql, type Queryable } from '../postgres/index.js';

/**
 * Ends the claims that `due` names and locks: locks their stock by SKU, then updates it and, last, the
 * claims, in the manner of `inventory.commit_reservation`.
 */
function expire(due: string): string {
  return `with ${due}, lines as materialized (
     select l.reservation_id, l.sku, l.quantity
     from due d join reservation_lines l on l.reservation_id = d.id
   ), sums as materialized (
     select sku, sum(quantity)::bigint as quantity from lines group by sku
   ), locked as materialized (
     select sku, on_hand, reserved, revision from stock
     where sku = any (array(select sku from sums)) order by sku for update
   ), freed as (
     update stock s set on_hand = k.on_hand, reserved = k.reserved - u.quantity,
       revision = k.revision + 1, updated_at = clock_timestamp()
     from locked k join sums u on u.sku = k.sku
     where s.sku = k.sku
     returning s.sku
   ), expired as (
     update reservations r set state = 'EXPIRED', updated_at = r.expires_at
     from due d cross join (select count(*) from freed) as all_freed
     where r.id = d.id
     returning r.id
   )
   select e.id, array_agg(l.sku order by l.sku) as skus
   from expired e join lines l on l.reservation_id = e.id
   group by e.id`;
}

/** Several replicas sweep side by side: each takes what no other has taken. */
const sweep = sql(
  'inventory.sweep_expired',
  expire(`due as materialized (
     select id from reservations where state = 'RESERVED' and expires_at <= now()
     order by expires_at limit $1 for update skip locked
   )`),
);

/** Waits for claims that somebody is just ending, instead of passing over them. */
const expireHolding = sql(
  'inventory.expire_holding',
  expire(`found as materialized (
     select r.id from reservations r
     where r.state = 'RESERVED' and r.expires_at <= now() and exists (
       select from reservation_lines l where l.reservation_id = r.id and l.sku = any ($2::text[])
     )
     order by r.expires_at limit $1
   ), due as materialized (
     select id from reservations where id = any (array(select id from found)) and state = 'RESERVED'
     order by id for update
   )`),
);

const isHeld = sql(
  'inventory.is_held_by_expired',
  `select exists (
     select from reservations r join reservation_lines l on l.reservation_id = r.id
     where r.state = 'RESERVED' and r.expires_at <= now() and l.sku = any ($1::text[])
   ) as held`,
);

export interface ExpiredClaim {
  readonly id: string;
  readonly skus: readonly string[];
}

/** Ends up to `limit` claims whose time is up and which nobody else is working on. */
export function sweepExpired(db: Queryable, limit: number): Promise<ExpiredClaim[]> {
  return db.query<ExpiredClaim>(sweep, [limit]);
}

/** Ends up to `limit` claims on any of `skus` whose time is up. */
export function expireClaimsOn(
  db: Queryable,
  skus: readonly string[],
  limit: number,
): Promise<ExpiredClaim[]> {
  return db.query<ExpiredClaim>(expireHolding, [limit, skus]);
}

/** Whether claims whose time is up still hold any of `skus`. */
export async function isHeldByExpiredClaims(db: Queryable, skus: readonly string[]): Promise<boolean> {
  const [row] = await db.query<{ held: boolean }>(isHeld, [skus]);
  return row?.held === true;
}
