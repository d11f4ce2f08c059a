import { sql, type Queryable } from '../postgres/index.js';
import { limits, type Reservation, type ReservationState, type StockMovement } from './domain.js';
import { toReservation, type ReservationRow } from './reservations/store.js';

export interface MovementQuery {
  /** Empty for all SKUs. */
  readonly sku: string;
  /** Id of the last movement of the previous page; 0 for the first page. */
  readonly after: bigint;
  readonly size: number;
}

interface MovementRow {
  readonly id: bigint;
  readonly sku: string;
  readonly delta: bigint;
  readonly kind: StockMovement['kind'];
  readonly reservation_id: string | null;
  readonly actor: string;
  readonly reason: string;
  readonly created_at: Date;
}

const movementColumns = 'id, sku, delta, kind, reservation_id, actor, reason, created_at';
const movements = sql(
  'inventory.list_movements',
  `select ${movementColumns} from stock_movements where id > $after order by id limit $limit`,
);
const movementsOfSku = sql(
  'inventory.list_movements_of_sku',
  `select ${movementColumns} from stock_movements where sku = $sku and id > $after order by id limit $limit`,
);

export interface Page<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
}

/**
 * Lists movements, oldest first. Concurrent transactions may commit movements in another sequence than their ids: a
 * movement that commits while the listing is read may be missing.
 */
export async function listMovements(
  db: Queryable,
  { sku, after, size }: MovementQuery,
): Promise<Page<StockMovement>> {
  const limit = size + 1;
  const statement = sku === '' ? movements({ after, limit }) : movementsOfSku({ sku, after, limit });
  const rows = await db.query<MovementRow>(statement);
  return { items: rows.slice(0, size).map(toMovement), hasMore: rows.length > size };
}

function toMovement(row: MovementRow): StockMovement {
  const { id, sku, delta, kind, actor, reason } = row;
  return {
    id,
    sku,
    delta,
    kind,
    reservationId: row.reservation_id ?? '',
    actor,
    reason,
    createdAt: row.created_at,
  };
}

export interface ReservationQuery {
  /** Undefined for all states. */
  readonly state: ReservationState | undefined;
  /** Id of the last reservation of the previous page; undefined for the first page. */
  readonly after: string | undefined;
  readonly size: number;
}

/**
 * Returns a query for the reservations that the condition `filter` selects. The page ends before the number of lines
 * passes `$maxLines`, but has at least one reservation. Expired reservations are EXPIRED, also before they are swept.
 */
function reservations<const Filter extends string>(filter: Filter) {
  return `with page as materialized (
     select r.id, r.fingerprint, r.shortages, r.expires_at, r.created_at, r.release_actor, r.release_reason,
       case when r.state = 'RESERVED' and r.expires_at <= now() then 'EXPIRED' else r.state end as state,
       case when r.state = 'RESERVED' and r.expires_at <= now() then r.expires_at else r.updated_at end as updated_at,
       (select count(*) from reservation_lines l where l.reservation_id = r.id) as line_count
     from reservations r
     where ${filter} ($after::uuid is null or r.id > $after)
     order by r.id limit $limit
   ), numbered as (
     select page.*, sum(line_count) over (order by id) - line_count as lines_before, count(*) over () as found
     from page
   )
   select id, state, fingerprint, shortages, expires_at, created_at, updated_at, release_actor,
     release_reason, found,
     array(select sku from reservation_lines where reservation_id = n.id order by sku) as skus,
     array(select quantity from reservation_lines where reservation_id = n.id order by sku) as quantities
   from numbered n where lines_before < $maxLines
   order by id` as const;
}

const allReservations = sql('inventory.list_reservations', reservations(''));
const reservationsInState = sql('inventory.list_reservations_in_state', reservations(`r.state = $state and`));
const openReservations = sql(
  'inventory.list_open_reservations',
  reservations(`r.state = 'RESERVED' and r.expires_at > now() and`),
);
const expiredReservations = sql(
  'inventory.list_expired_reservations',
  reservations(`(r.state = 'EXPIRED' or r.state = 'RESERVED' and r.expires_at <= now()) and`),
);

/** Lists reservations, sorted by id. */
export async function listReservations(db: Queryable, query: ReservationQuery): Promise<Page<Reservation>> {
  const rows = await db.query<ReservationRow & { found: bigint }>(reservationPage(query));
  const shown = rows.slice(0, query.size);
  return { items: shown.map(toReservation), hasMore: Number(rows[0]?.found ?? 0n) > shown.length };
}

function reservationPage({ state, after, size }: ReservationQuery) {
  const page = { after: after ?? null, limit: size + 1, maxLines: limits.pageLines };
  switch (state) {
    case undefined:
      return allReservations(page);
    case 'RESERVED':
      return openReservations(page);
    case 'EXPIRED':
      return expiredReservations(page);
    default:
      return reservationsInState({ ...page, state });
  }
}
