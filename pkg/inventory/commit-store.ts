import { sql, type Queryable, type Transaction } from '../postgres/index.js';
import type { Reservation, Shortage } from './domain.js';
import { lineColumns, reservationOf, type ReservationRow } from './reservation-store.js';

/*
 * One statement, one commit. The reservation row is locked first and read as it is now, then the stock
 * rows by SKU; all values come from those readings, as in `inventory.reserve_stock`. The reservation is
 * updated last: a reserve of the same id waits for that update with its own stock locked.
 *
 * A claim that has expired but was not swept still holds its stock and is committed like any other.
 */
const commit = sql(
  'inventory.commit_reservation',
  `with target as materialized (
     select id, state, fingerprint, expires_at, shortages, created_at, updated_at
     from reservations where id = $1 for update
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
     select sku, -quantity, 'COMMIT', $1 from taken
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

/** A reservation and whether this very call changed it. */
export interface Attempted {
  readonly reservation: Reservation;
  readonly changed: boolean;
}

/** Withdraws an open claim; in any other state nothing changes. Undefined: there is no such reservation. */
export async function commitClaim(db: Queryable, id: string): Promise<Attempted | undefined> {
  const [row] = await db.query<ReservationRow & { changed: boolean }>(commit, [id]);
  return row && { reservation: reservationOf(row), changed: row.changed };
}

const lock = sql(
  'inventory.lock_reservation',
  `select id, state, fingerprint, expires_at, shortages, created_at, updated_at, ${lineColumns}
   from reservations where id = $1 for update`,
);

/** The reservation as it is stored, locked until the transaction ends. */
export async function lockReservation(tx: Transaction, id: string): Promise<Reservation | undefined> {
  const [row] = await tx.query<ReservationRow>(lock, [id]);
  return row && reservationOf(row);
}

const withdraw = sql(
  'inventory.withdraw_expired',
  `with taken as (
     update stock s set on_hand = s.on_hand - l.quantity, revision = s.revision + 1,
       updated_at = clock_timestamp()
     from reservation_lines l
     where l.reservation_id = $1 and s.sku = l.sku
     returning s.sku, l.quantity
   ), moved as (
     insert into stock_movements (sku, delta, kind, reservation_id)
     select sku, -quantity, 'COMMIT', $1 from taken
   )
   update reservations set state = 'COMMITTED', updated_at = now() where id = $1
   returning updated_at`,
);

/** Withdraws what an expired claim has given back; the caller holds the locks and has checked. */
export async function withdrawAgain(tx: Transaction, reservation: Reservation): Promise<Reservation> {
  const [row] = await tx.query<{ updated_at: Date }>(withdraw, [reservation.id]);
  return { ...reservation, state: 'COMMITTED', updatedAt: row?.updated_at ?? reservation.updatedAt };
}

const refuse = sql('inventory.refuse_commit', 'update reservations set shortages = $2::jsonb where id = $1');

/** Makes the refusal of a commit definite. */
export async function refuseCommit(
  tx: Transaction,
  reservation: Reservation,
  shortages: readonly Shortage[],
): Promise<Reservation> {
  await tx.query(refuse, [reservation.id, JSON.stringify(shortages)]);
  return { ...reservation, shortages };
}
