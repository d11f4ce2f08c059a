import { sql, type Queryable } from '../postgres/index.js';
import type { ReservationState } from './domain.js';

const byState = sql(
  'inventory.count_reservations_by_state',
  'select state, count(*)::int as reservations from reservations group by state',
);

/**
 * Counts reservations per stored state: expired reservations count as RESERVED until they are swept. The result has no
 * entry for a state without reservations.
 */
export function countByState(db: Queryable): Promise<{ state: ReservationState; reservations: number }[]> {
  return db.query(byState());
}

const open = sql(
  'inventory.open_reservations',
  `select count(*) filter (where expires_at <= now())::int as overdue,
     greatest(extract(epoch from now() - min(created_at)), 0)::float8 as oldest_seconds
   from reservations where state = 'RESERVED'`,
);

export interface OpenReservations {
  /** Number of expired reservations that are not swept yet. */
  readonly overdue: number;
  /** Age of the oldest reservation that is stored as RESERVED, expired or not; 0 if there is none. */
  readonly oldestSeconds: number;
}

/** Reads the reservations stored as RESERVED. */
export async function readOpenReservations(db: Queryable): Promise<OpenReservations> {
  const [row] = await db.query<{ overdue: number; oldest_seconds: number }>(open());
  return { overdue: row?.overdue ?? 0, oldestSeconds: row?.oldest_seconds ?? 0 };
}
