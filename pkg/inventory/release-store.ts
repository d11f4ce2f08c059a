import { sql, type Queryable } from '../postgres/index.js';
import type { Attempted } from './commit-store.js';
import { lineColumns, reservationOf, type ReservationRow } from './reservation-store.js';

/** One statement, one commit, in the manner of `inventory.commit_reservation`. */
const release = sql(
  'inventory.release_reservation',
  `with target as materialized (
     select id, state, fingerprint, expires_at, shortages, created_at, updated_at
     from reservations where id = $1 for update
   ), tombstone as (
     insert into reservations (id, state, created_at, updated_at)
     select $1, 'RELEASED', now(), now() where not exists (select from target)
     on conflict (id) do nothing
     returning id, state, fingerprint, expires_at, shortages, created_at, updated_at
   ), lines as materialized (
     select l.sku, l.quantity, t.state = 'COMMITTED' as is_return
     from target t join reservation_lines l on l.reservation_id = t.id
     where t.state in ('RESERVED', 'COMMITTED')
   ), locked as materialized (
     select sku, on_hand, reserved, revision from stock
     where sku = any (array(select sku from lines)) order by sku for update
   ), freed as (
     update stock s
     set on_hand = k.on_hand + case when l.is_return then l.quantity else 0 end,
       reserved = k.reserved - case when l.is_return then 0 else l.quantity end,
       revision = k.revision + 1, updated_at = clock_timestamp()
     from locked k join lines l on l.sku = k.sku
     where s.sku = k.sku
     returning s.sku, l.quantity, l.is_return
   ), moved as (
     insert into stock_movements (sku, delta, kind, reservation_id)
     select sku, quantity, 'RETURN', $1 from freed where is_return
   ), done as (
     update reservations r
     set state = case t.state when 'COMMITTED' then 'RETURNED' else 'RELEASED' end, updated_at = now()
     from target t cross join (select count(*) from freed) as all_freed
     where r.id = t.id and t.state in ('RESERVED', 'EXPIRED', 'COMMITTED')
     returning r.state, r.updated_at
   )
   select t.id, coalesce(d.state, t.state) as state, t.fingerprint, t.expires_at, t.shortages, t.created_at,
     coalesce(d.updated_at, t.updated_at) as updated_at, d.state is not null as changed, ${lineColumns}
   from target t left join done d on true
   union all
   select id, state, fingerprint, expires_at, shortages, created_at, updated_at, true, '{}', '{}'
   from tombstone`,
);

/**
 * Drops an open claim, returns committed stock, or leaves a tombstone. Undefined when the reservation
 * came into being just now: to be called again.
 */
export async function releaseClaim(db: Queryable, id: string): Promise<Attempted | undefined> {
  const [row] = await db.query<ReservationRow & { changed: boolean }>(release, [id]);
  return row && { reservation: reservationOf(row), changed: row.changed };
}
