import { sql, type Queryable, type Transaction } from '../postgres/index.js';
import {
  shortagesOf,
  type Reservation,
  type ReservationState,
  type Shortage,
  type StockLine,
} from './domain.js';
import { lockStock } from './stock-store.js';

/*
 * Each operation is one statement and one commit, except `recommitExpired`. Rules of these statements at
 * READ COMMITTED:
 *
 * - FOR UPDATE reads the current version of a row, even if another transaction has changed the row since the statement
 *   began. Decisions and written values therefore come from the locked rows. An UPDATE of a row that is not locked also
 *   finds the current version, but first evaluates CHECK constraints with values of the snapshot.
 * - Each CTE depends on the previous CTE. This dependency fixes the sequence of locks: the existing reservation,
 *   stock rows by SKU, then the inserted or updated reservation. If two calls reserve the same id, the second call
 *   waits for the first call to insert the reservation. During this wait the second call may hold locks of stock
 *   rows.
 * - Expired reservations that were not swept still count in `stock.reserved`.
 */

/** Result of a call that changes nothing, because expired reservations that are not swept hold the missing stock. */
export const reservedByExpired = 'reserved-by-expired';
export type ReservedByExpired = typeof reservedByExpired;

export interface ReservationRow {
  readonly id: string;
  readonly state: ReservationState;
  readonly fingerprint: Buffer | null;
  readonly expires_at: Date | null;
  readonly shortages: Shortage[] | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly skus: string[];
  readonly quantities: bigint[];
}

/** The lines of the reservation `$id` as two arrays, sorted by SKU. */
const lineColumns = `
  array(select sku from reservation_lines where reservation_id = $id order by sku) as skus,
  array(select quantity from reservation_lines where reservation_id = $id order by sku) as quantities`;

const find = sql(
  'inventory.find_reservation',
  `select id, fingerprint, expires_at, shortages, created_at,
     case when state = 'RESERVED' and expires_at <= now() then 'EXPIRED' else state end as state,
     case when state = 'RESERVED' and expires_at <= now() then expires_at else updated_at end as updated_at,
     ${lineColumns}
   from reservations where id = $id`,
);

/** Returns an expired reservation as EXPIRED, even before it is swept. */
export async function findReservation(db: Queryable, id: string): Promise<Reservation | undefined> {
  const [row] = await db.query<ReservationRow>(find({ id }));
  return row && toReservation(row);
}

// The statement takes no locks if the id is known.
const reserve = sql(
  'inventory.reserve_stock',
  `with wanted as materialized (
     select sku, quantity from unnest($skus::text[], $quantities::bigint[]) as line (sku, quantity)
     where not exists (select from reservations where id = $id)
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
   ), contention as materialized (
     select shortages is not null and exists (
       select from reservations r join reservation_lines l on l.reservation_id = r.id
       where r.state = 'RESERVED' and r.expires_at <= now() and l.sku = any (array(select sku from short))
     ) as reserved_by_expired
     from verdict
   ), inserted as (
     insert into reservations (id, state, fingerprint, expires_at, shortages, created_at, updated_at)
     select $id, case when shortages is null then 'RESERVED' else 'REFUSED' end, $fingerprint,
       case when shortages is null then now() + $ttlMs::float8 * interval '1 millisecond' end,
       shortages, now(), now()
     from verdict where not (select reserved_by_expired from contention)
     on conflict (id) do nothing
     returning state, expires_at, shortages, created_at
   ), lines as (
     insert into reservation_lines (reservation_id, sku, quantity)
     select $id, w.sku, w.quantity from inserted cross join wanted w
   ), taken as (
     update stock s set on_hand = l.on_hand, reserved = l.reserved + w.quantity,
       revision = l.revision + 1, updated_at = clock_timestamp()
     from inserted i cross join wanted w join locked l on l.sku = w.sku
     where i.state = 'RESERVED' and s.sku = l.sku
   )
   select c.reserved_by_expired, i.state, i.expires_at, i.shortages, i.created_at
   from contention c left join inserted i on true`,
);

export interface ReserveRequest {
  readonly id: string;
  /** Sorted by SKU, one line per SKU. */
  readonly lines: readonly StockLine[];
  readonly ttlMs: number;
  readonly fingerprint: Buffer;
}

interface ReserveRow {
  readonly reserved_by_expired: boolean;
  readonly state: 'RESERVED' | 'REFUSED' | null;
  readonly expires_at: Date | null;
  readonly shortages: Shortage[] | null;
  readonly created_at: Date | null;
}

/**
 * Reserves all lines, or stores the rejection with its shortages. Returns undefined, without a change, when a
 * reservation with this id exists.
 */
export async function reserveStock(
  db: Queryable,
  request: ReserveRequest,
): Promise<Reservation | ReservedByExpired | undefined> {
  const { id, lines, ttlMs, fingerprint } = request;
  const skus = lines.map(({ sku }) => sku);
  const quantities = lines.map(({ quantity }) => quantity);
  const [row] = await db.query<ReserveRow>(reserve({ id, skus, quantities, ttlMs, fingerprint }));
  if (row?.reserved_by_expired === true) return reservedByExpired;
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

/** A reservation after a call, and whether the call changed the reservation. */
export interface ChangeResult {
  readonly reservation: Reservation;
  readonly changed: boolean;
}

interface ChangeRow extends ReservationRow {
  readonly changed: boolean;
}

const commit = sql(
  'inventory.commit_reservation',
  `with target as materialized (
     select id, state, fingerprint, expires_at, shortages, created_at, updated_at
     from reservations where id = $id for update
   ), lines as materialized (
     select l.sku, l.quantity from target t join reservation_lines l on l.reservation_id = t.id
     where t.state = 'RESERVED'
   ), locked as materialized (
     select sku, on_hand, reserved, revision from stock
     where sku = any (array(select sku from lines)) order by sku for update
   ), taken as (
     update stock s set on_hand = k.on_hand - l.quantity, reserved = k.reserved - l.quantity,
       revision = k.revision + 1, updated_at = clock_timestamp()
     from locked k join lines l on l.sku = k.sku
     where s.sku = k.sku
     returning s.sku, l.quantity
   ), moved as (
     insert into stock_movements (sku, delta, kind, reservation_id)
     select sku, -quantity, 'COMMIT', $id from taken
   ), done as (
     update reservations r set state = 'COMMITTED', updated_at = now()
     from target t cross join (select count(*) from taken) as all_taken
     where r.id = t.id and t.state = 'RESERVED'
     returning r.state, r.updated_at
   )
   select t.id, coalesce(d.state, t.state) as state, t.fingerprint, t.expires_at, t.shortages, t.created_at,
     coalesce(d.updated_at, t.updated_at) as updated_at, d.state is not null as changed, ${lineColumns}
   from target t left join done d on true`,
);

/**
 * Commits a RESERVED reservation, expired or not, and deducts its stock. In any other state nothing changes.
 * Returns undefined when the id is unknown.
 */
export async function commitReservation(db: Queryable, id: string): Promise<ChangeResult | undefined> {
  const [row] = await db.query<ChangeRow>(commit({ id }));
  return row && toChangeResult(row);
}

const lock = sql(
  'inventory.lock_reservation',
  `select id, state, fingerprint, expires_at, shortages, created_at, updated_at, ${lineColumns}
   from reservations where id = $id for update`,
);

const deduct = sql(
  'inventory.deduct_expired',
  `with taken as (
     update stock s set on_hand = s.on_hand - l.quantity, revision = s.revision + 1,
       updated_at = clock_timestamp()
     from reservation_lines l
     where l.reservation_id = $id and s.sku = l.sku
     returning s.sku, l.quantity
   ), moved as (
     insert into stock_movements (sku, delta, kind, reservation_id)
     select sku, -quantity, 'COMMIT', $id from taken
   )
   update reservations set state = 'COMMITTED', updated_at = now() where id = $id
   returning updated_at`,
);

const rejectCommit = sql(
  'inventory.reject_commit',
  'update reservations set shortages = $shortages::jsonb where id = $id',
);

/**
 * Commits a swept reservation and deducts its stock if all of the stock is available. Returns {@link reservedByExpired}
 * if expired reservations that are not swept hold the missing stock. Otherwise stores the shortages, which makes the
 * rejection permanent.
 */
export async function recommitExpired(
  tx: Transaction,
  id: string,
): Promise<ChangeResult | ReservedByExpired | undefined> {
  const [row] = await tx.query<ReservationRow>(lock({ id }));
  const reservation = row && toReservation(row);
  if (reservation?.state !== 'EXPIRED' || reservation.shortages)
    return reservation && { reservation, changed: false };
  const { lines } = reservation;
  const levels = await lockStock(
    tx,
    lines.map(({ sku }) => sku),
  );
  const shortages = shortagesOf(lines, levels);
  if (shortages.length === 0) return { reservation: await deductStock(tx, reservation), changed: true };
  const short = shortages.map(({ sku }) => sku);
  if (await hasExpiredReservations(tx, short)) return reservedByExpired;
  await tx.query(rejectCommit({ id, shortages: JSON.stringify(shortages) }));
  return { reservation: { ...reservation, shortages }, changed: false };
}

/** Requires that the transaction has locked the stock and that the stock suffices. */
async function deductStock(tx: Transaction, reservation: Reservation): Promise<Reservation> {
  const [row] = await tx.query<{ updated_at: Date }>(deduct({ id: reservation.id }));
  return { ...reservation, state: 'COMMITTED', updatedAt: row?.updated_at ?? reservation.updatedAt };
}

const release = sql(
  'inventory.release_reservation',
  `with target as materialized (
     select id, state, fingerprint, expires_at, shortages, created_at, updated_at
     from reservations where id = $id for update
   ), tombstone as (
     insert into reservations (id, state, created_at, updated_at)
     select $id, 'RELEASED', now(), now() where not exists (select from target)
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
     select sku, quantity, 'RETURN', $id from freed where is_return
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
 * Releases an open reservation, returns committed stock, or inserts a tombstone for an unknown id. Returns
 * undefined when a concurrent call inserts the reservation: the caller repeats the call.
 */
export async function releaseReservation(db: Queryable, id: string): Promise<ChangeResult | undefined> {
  const [row] = await db.query<ChangeRow>(release({ id }));
  return row && toChangeResult(row);
}

/** Returns a statement that expires the reservations that the CTE `due` selects and locks. */
function expire<const Due extends string>(due: Due) {
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
   group by e.id` as const;
}

// SKIP LOCKED lets replicas sweep concurrently.
const sweep = sql(
  'inventory.sweep_expired',
  expire(`due as materialized (
     select id from reservations where state = 'RESERVED' and expires_at <= now()
     order by expires_at limit $limit for update skip locked
   )`),
);

// The statement waits for locked reservations, because the caller needs their stock.
const expireBySku = sql(
  'inventory.expire_by_sku',
  expire(`found as materialized (
     select r.id from reservations r
     where r.state = 'RESERVED' and r.expires_at <= now() and exists (
       select from reservation_lines l where l.reservation_id = r.id and l.sku = any ($skus::text[])
     )
     order by r.expires_at limit $limit
   ), due as materialized (
     select id from reservations where id = any (array(select id from found)) and state = 'RESERVED'
     order by id for update
   )`),
);

const hasExpired = sql(
  'inventory.has_expired_reservations',
  `select exists (
     select from reservations r join reservation_lines l on l.reservation_id = r.id
     where r.state = 'RESERVED' and r.expires_at <= now() and l.sku = any ($skus::text[])
   ) as found`,
);

export interface ExpiredReservation {
  readonly id: string;
  readonly skus: readonly string[];
}

/** Expires up to `limit` due reservations. Reservations that another transaction has locked are skipped. */
export function sweepExpired(db: Queryable, limit: number): Promise<ExpiredReservation[]> {
  return db.query<ExpiredReservation>(sweep({ limit }));
}

/** Expires up to `limit` due reservations that have a line with one of `skus`. */
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

function toChangeResult(row: ChangeRow): ChangeResult {
  return { reservation: toReservation(row), changed: row.changed };
}

export function toReservation(row: ReservationRow): Reservation {
  return {
    id: row.id,
    state: row.state,
    lines: row.skus.map((sku, index) => ({ sku, quantity: row.quantities[index] ?? 0n })),
    expiresAt: row.expires_at ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    fingerprint: row.fingerprint ?? undefined,
    shortages: row.shortages ?? undefined,
  };
}
