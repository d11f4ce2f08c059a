import { sql, type Queryable } from '../postgres/index.js';
import type { ReservationState } from './domain.js';

const byState = sql(
  'inventory.count_reservations_by_state',
  'select state, count(*)::int as reservations from reservations group by state',
);

/** How many reservations there are in each state that has any, as stored: swept or not. */
export function countByState(db: Queryable): Promise<{ state: ReservationState; reservations: number }[]> {
  return db.query(byState);
}

const open = sql(
  'inventory.open_reservations',
  `select count(*) filter (where expires_at <= now())::int as overdue,
     greatest(extract(epoch from now() - min(created_at)), 0)::float8 as oldest_seconds
   from reservations where state = 'RESERVED'`,
);

/** The reservations that hold stock. */
export interface OpenReservations {
  /** Those whose time is up. */
  readonly overdue: number;
  /** Age of the oldest, seconds. */
  readonly oldestSeconds: number;
}

export async function readOpenReservations(db: Queryable): Promise<OpenReservations> {
  const [row] = await db.query<{ overdue: number; oldest_seconds: number }>(open);
  return { overdue: row?.overdue ?? 0, oldestSeconds: row?.oldest_seconds ?? 0 };
}
