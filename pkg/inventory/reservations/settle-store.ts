import {
  contended,
  done,
  sql,
  type BatchLane,
  type ItemOutcome,
  type Queryable,
} from '../../postgres/index.js';
import { lineColumns, toReservation, type ChangeResult, type ReservationRow } from './store.js';

/**
 * Decides many commits and releases at once. `lock` is the locking clause of the stock rows.
 *
 * - An item is contended when a stock row of one of its SKUs is not locked. A rejected reservation may have SKUs without
 *   a row.
 * - A commit deducts the stock of a RESERVED reservation, expired or not.
 * - A release frees the stock of a RESERVED reservation and returns the stock of a COMMITTED one.
 */
function decide<const Lock extends string>(lock: Lock) {
  return `with item as materialized (
     select * from unnest($ids::uuid[], $actions::text[], $actors::text[], $reasons::text[])
       as item (id, action, actor, reason)
   ), wanted as materialized (
     select l.reservation_id as id, l.sku, l.quantity from reservation_lines l where l.reservation_id = any ($ids::uuid[])
   ), locked as materialized (
     select sku, on_hand, reserved, revision from stock
     where sku = any (array(select sku from wanted)) order by sku ${lock}
   ), contended as materialized (
     select distinct w.id from wanted w join stock s on s.sku = w.sku
     where w.sku <> all (array(select sku from locked))
   ), target as materialized (
     select id, state, fingerprint, expires_at, shortages, created_at, updated_at, release_actor, release_reason
     from reservations where id = any (array(select id from item except select id from contended))
     order by id for update
   ), change as materialized (
     select t.id, case
       when item.action = 'COMMIT' then case when t.state = 'RESERVED' then 'COMMITTED' end
       when t.state in ('RESERVED', 'EXPIRED') then 'RELEASED'
       when t.state = 'COMMITTED' then 'RETURNED' end as state, t.state = 'RESERVED' as is_reserved,
       item.actor, item.reason
     from target t join item on item.id = t.id
   )` as const;
}

/**
 * Stores the decisions of {@link decide}, and a tombstone for each release of an unknown id. The tombstones count the changes,
 * so that their ids are locked after the stock and the reservations.
 */
const storeDecisions = `line as materialized (
     select w.id, w.sku, w.quantity, c.is_reserved, c.actor, c.reason,
       case c.state when 'COMMITTED' then -w.quantity when 'RETURNED' then w.quantity else 0 end as delta
     from change c join wanted w on w.id = c.id
     where c.state in ('COMMITTED', 'RETURNED') or (c.state = 'RELEASED' and c.is_reserved)
   ), moved as (
     insert into stock_movements (sku, delta, kind, reservation_id, actor, reason)
     select sku, delta, case when delta < 0 then 'COMMIT' else 'RETURN' end, id, coalesce(actor, ''), coalesce(reason, '')
     from line where delta <> 0
   ), changed_stock as (
     update stock s set on_hand = k.on_hand + u.delta, reserved = k.reserved - u.freed,
       revision = k.revision + 1, updated_at = clock_timestamp()
     from locked k join (
       select sku, sum(delta)::bigint as delta, coalesce(sum(quantity) filter (where is_reserved), 0)::bigint as freed
       from line group by sku
     ) u on u.sku = k.sku
     where s.sku = k.sku
   ), done as (
     update reservations r set state = c.state, updated_at = now(), release_actor = c.actor, release_reason = c.reason
     from change c where r.id = any ($ids::uuid[]) and r.id = c.id and c.state is not null
     returning r.id, r.state, r.updated_at, r.release_actor, r.release_reason
   ), tombstone as (
     insert into reservations (id, state, created_at, updated_at, release_actor, release_reason)
     select item.id, 'RELEASED', now(), now(), item.actor, item.reason from item
     where item.action = 'RELEASE' and not exists (select from reservations r where r.id = item.id)
       and (select count(*) from change) >= 0
     order by item.id
     on conflict (id) do nothing
     returning id, created_at, release_actor, release_reason
   )
   select r.id, coalesce(d.state, r.state) as state, r.fingerprint, r.expires_at, r.shortages, r.created_at,
     coalesce(d.updated_at, r.updated_at) as updated_at, d.id is not null as changed, false as contended, ${lineColumns},
     coalesce(d.release_actor, r.release_actor) as release_actor,
     coalesce(d.release_reason, r.release_reason) as release_reason
   from target r left join done d on d.id = r.id
   union all
   select id, 'RELEASED', null, null, null, created_at, created_at, true, false, '{}', '{}', release_actor, release_reason
   from tombstone
   union all
   select id, 'RESERVED', null, null, null, now(), now(), false, true, '{}', '{}', null, null from contended` as const;

const settleFast = sql(
  'inventory.settle_reservations',
  `${decide('for update skip locked')}, ${storeDecisions}`,
);
const settleWaiting = sql(
  'inventory.settle_contended_reservations',
  `${decide('for update')}, ${storeDecisions}`,
);

/** A commit, or a release that also returns committed stock. */
export interface Settlement {
  readonly id: string;
  readonly action: 'COMMIT' | 'RELEASE';
  /** Operator of a release; undefined when a service calls. */
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
}

interface SettleRow extends ReservationRow {
  readonly changed: boolean;
  readonly contended: boolean;
}

/** `unknown`: no reservation with this id was visible. */
export type SettleResult = ChangeResult | 'unknown';

/**
 * Commits and releases reservations with different ids. In a state without a transition, a reservation does not change.
 * A release is `unknown` when a concurrent call inserts the reservation; the caller repeats the release. An item is
 * contended when another transaction holds the stock.
 */
export async function settleReservations(
  db: Queryable,
  items: readonly Settlement[],
  lane: BatchLane,
): Promise<ItemOutcome<SettleResult>[]> {
  const parameters = {
    ids: items.map(({ id }) => id),
    actions: items.map(({ action }) => action),
    actors: items.map(({ actor }) => actor ?? null),
    reasons: items.map(({ reason }) => reason ?? null),
  };
  const statement = lane === 'FAST' ? settleFast(parameters) : settleWaiting(parameters);
  const rows = new Map((await db.query<SettleRow>(statement)).map((row) => [row.id, row]));
  return items.map(({ id }) => {
    const row = rows.get(id);
    if (!row) return done('unknown');
    return row.contended ? contended : done({ reservation: toReservation(row), changed: row.changed });
  });
}
