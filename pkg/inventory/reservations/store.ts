import { sql, type Queryable, type Transaction } from '../../postgres/index.js';
import { shortagesOf, type Reservation, type ReservationState, type Shortage } from '../domain.js';
import { hasExpiredReservations } from './expiry-store.js';
import { lockStock } from '../stock-store.js';

/*
 * Rules of the statements that change stock, at READ COMMITTED:
 *
 * - All of them lock rows in one sequence: stock rows by SKU, then reservations by id, then inserted reservations by id.
 *   The lines of a reservation never change, so its SKUs are read before anything is locked.
 * - FOR UPDATE reads the current version of a row, even if another transaction has changed the row since the statement
 *   began. Decisions and written values therefore come from the locked rows. An UPDATE of a row that is not locked also
 *   finds the current version, but first evaluates CHECK constraints with values of the snapshot.
 * - Each CTE depends on the previous CTE. This dependency fixes the sequence of locks.
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
  /** Missing in the rows of statements that neither release nor read a released reservation. */
  readonly release_actor?: string | null;
  readonly release_reason?: string | null;
  readonly skus: string[];
  readonly quantities: bigint[];
}

/** The lines of the reservation `r` as two arrays, sorted by SKU. */
export const lineColumns = `
  array(select sku from reservation_lines where reservation_id = r.id order by sku) as skus,
  array(select quantity from reservation_lines where reservation_id = r.id order by sku) as quantities`;

const find = sql(
  'inventory.find_reservation',
  `select id, fingerprint, expires_at, shortages, created_at, release_actor, release_reason,
     case when state = 'RESERVED' and expires_at <= now() then 'EXPIRED' else state end as state,
     case when state = 'RESERVED' and expires_at <= now() then expires_at else updated_at end as updated_at,
     ${lineColumns}
   from reservations r where id = any ($ids::uuid[])`,
);

/** Reads reservations. An expired reservation is EXPIRED, even before it is swept. */
export async function findReservations(db: Queryable, ids: readonly string[]): Promise<Reservation[]> {
  return (await db.query<ReservationRow>(find({ ids }))).map(toReservation);
}

/** A reservation after a call, and whether the call changed the reservation. */
export interface ChangeResult {
  readonly reservation: Reservation;
  readonly changed: boolean;
}

const lock = sql(
  'inventory.lock_reservation',
  `select id, state, fingerprint, expires_at, shortages, created_at, updated_at, ${lineColumns}
   from reservations r where id = $id for update`,
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
): Promise<ChangeResult | ReservedByExpired | 'unknown'> {
  const [known] = await findReservations(tx, [id]);
  if (!known) return 'unknown';
  const { lines } = known;
  const skus = lines.map(({ sku }) => sku);
  const levels = await lockStock(tx, skus);
  const [row] = await tx.query<ReservationRow>(lock({ id }));
  const reservation = row && toReservation(row);
  if (reservation?.state !== 'EXPIRED' || reservation.shortages)
    return reservation ? { reservation, changed: false } : 'unknown';
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

export function toReservation(row: ReservationRow): Reservation {
  return {
    id: row.id,
    state: row.state,
    lines: row.skus.map((sku, index) => ({ sku, quantity: row.quantities[index] ?? 0n })),
    expiresAt: row.expires_at ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    releasedBy: row.release_actor ?? undefined,
    releaseReason: row.release_reason ?? undefined,
    fingerprint: row.fingerprint ?? undefined,
    shortages: row.shortages ?? undefined,
  };
}
