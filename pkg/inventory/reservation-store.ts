import { sql, type Queryable } from '../postgres/index.js';
import type { Reservation, ReservationState, Shortage, StockLine } from './domain.js';

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

/** The lines of the reservation `$1` as two arrays, in SKU order. */
export const lineColumns = `
  array(select sku from reservation_lines where reservation_id = $1 order by sku) as skus,
  array(select quantity from reservation_lines where reservation_id = $1 order by sku) as quantities`;

const find = sql(
  'inventory.find_reservation',
  `select id, fingerprint, expires_at, shortages, created_at,
     case when state = 'RESERVED' and expires_at <= now() then 'EXPIRED' else state end as state,
     case when state = 'RESERVED' and expires_at <= now() then expires_at else updated_at end as updated_at,
     ${lineColumns}
   from reservations where id = $1`,
);

/** A claim whose time is up is shown as EXPIRED, whether or not it was swept. */
export async function findReservation(db: Queryable, id: string): Promise<Reservation | undefined> {
  const [row] = await db.query<ReservationRow>(find, [id]);
  return row && reservationOf(row);
}

export function reservationOf(row: ReservationRow): Reservation {
  return {
    id: row.id,
    state: row.state,
    lines: linesOf(row.skus, row.quantities),
    expiresAt: row.expires_at ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    fingerprint: row.fingerprint ?? undefined,
    shortages: row.shortages ?? undefined,
  };
}

function linesOf(skus: readonly string[], quantities: readonly bigint[]): StockLine[] {
  return skus.map((sku, index) => ({ sku, quantity: quantities[index] ?? 0n }));
}
