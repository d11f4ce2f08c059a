import {
  contended,
  done,
  failed,
  sql,
  type BatchLane,
  type ItemOutcome,
  type Queryable,
} from '../../postgres/index.js';
import type { Reservation, Shortage, StockLine } from '../domain.js';
import { reservedByExpired, type ReservedByExpired } from './store.js';

/**
 * Decides many reservations at once. `lock` is the locking clause of the stock rows.
 *
 * - An item of a known id changes nothing.
 * - An item is contended when the stock row of one of its SKUs is not locked.
 * - An item is refused when one of its lines alone exceeds the available stock: no sequence of the items would accept it.
 *   If expired reservations hold the missing stock, nothing is stored.
 * - The others are accepted, except those that want a SKU whose available stock is less than the sum of all: these are
 *   undecided.
 */
function decide<const Lock extends string>(lock: Lock) {
  return `with item as materialized (
     select * from json_to_recordset($items::json) as item (id uuid, fingerprint text, ttl_ms float8, lines json)
   ), wanted as materialized (
     select item.id, line.sku, line.quantity
     from item cross join json_to_recordset(item.lines) as line (sku text collate "C", quantity bigint)
     where item.id <> all (array(select id from reservations where id = any (array(select id from item))))
   ), locked as materialized (
     select sku, on_hand, reserved, revision from stock
     where sku = any (array(select sku from wanted)) order by sku ${lock}
   ), line as materialized (
     select w.id, w.sku, w.quantity, coalesce(k.on_hand - k.reserved, 0) as available,
       s.sku is not null as stocked, s.sku is not null and k.sku is null as contended
     from wanted w left join locked k on k.sku = w.sku left join stock s on s.sku = w.sku
   ), verdict as materialized (
     select id, bool_or(contended) as contended,
       jsonb_agg(jsonb_build_object('sku', sku, 'wanted', quantity, 'available', available, 'stocked', stocked)
         order by sku) filter (where available < quantity) as shortages
     from line group by id
   ), expired as materialized (
     select distinct sku from open_reservation_lines
     where sku = any (array(select sku from line where available < quantity)) and expires_at <= now()
   ), refused as materialized (
     select v.id, v.shortages, exists (
       select from line join expired x on x.sku = line.sku where line.id = v.id and line.available < line.quantity
     ) as reserved_by_expired
     from verdict v where v.shortages is not null and not v.contended
   ), candidate as materialized (
     select line.id, line.sku, line.quantity, line.available
     from verdict v join line on line.id = v.id where v.shortages is null and not v.contended
   ), scarce as materialized (
     select sku from candidate group by sku having sum(quantity) > min(available)
   ), accepted as materialized (
     select id from candidate group by id having not bool_or(sku = any (array(select sku from scarce)))
   )` as const;
}

/** Stores the decisions of {@link decide}, and returns the outcome of each item. */
const storeDecisions = `decided as (
     select id, null::jsonb as shortages from accepted
     union all
     select id, shortages from refused where not reserved_by_expired
   ), inserted as (
     insert into reservations (id, state, fingerprint, expires_at, shortages, created_at, updated_at)
     select d.id, case when d.shortages is null then 'RESERVED' else 'REFUSED' end,
       decode(item.fingerprint, 'base64'),
       case when d.shortages is null then now() + item.ttl_ms * interval '1 millisecond' end,
       d.shortages, now(), now()
     from decided d join item on item.id = d.id order by d.id
     on conflict (id) do nothing
     returning id, state, expires_at, shortages, created_at
   ), lines as (
     insert into reservation_lines (reservation_id, sku, quantity)
     select i.id, w.sku, w.quantity from inserted i join wanted w on w.id = i.id
   ), taken as (
     update stock s set on_hand = k.on_hand, reserved = k.reserved + u.quantity,
       revision = k.revision + 1, updated_at = clock_timestamp()
     from locked k join (
       select w.sku, sum(w.quantity)::bigint as quantity
       from inserted i join wanted w on w.id = i.id where i.state = 'RESERVED' group by w.sku
     ) u on u.sku = k.sku
     where s.sku = k.sku
   )
   select item.id, i.state, i.expires_at, i.shortages, i.created_at,
     case when i.id is not null then 'STORED'
       when v.contended then 'CONTENDED'
       when r.reserved_by_expired then 'RESERVED_BY_EXPIRED'
       when c.id is not null and a.id is null then 'UNDECIDED'
       else 'KNOWN' end as outcome
   from item
   left join inserted i on i.id = item.id
   left join verdict v on v.id = item.id
   left join refused r on r.id = item.id
   left join (select distinct id from candidate) c on c.id = item.id
   left join accepted a on a.id = item.id` as const;

const reserveFast = sql('inventory.reserve_stock', `${decide('for update skip locked')}, ${storeDecisions}`);
const reserveWaiting = sql('inventory.reserve_contended_stock', `${decide('for update')}, ${storeDecisions}`);

export interface ReserveRequest {
  readonly id: string;
  /** Sorted by SKU, one line per SKU. */
  readonly lines: readonly StockLine[];
  readonly ttlMs: number;
  readonly fingerprint: Buffer;
}

interface ReserveRow {
  readonly id: string;
  readonly outcome: 'STORED' | 'CONTENDED' | 'RESERVED_BY_EXPIRED' | 'UNDECIDED' | 'KNOWN';
  readonly state: 'RESERVED' | 'REFUSED' | null;
  readonly expires_at: Date | null;
  readonly shortages: Shortage[] | null;
  readonly created_at: Date | null;
}

/** `known`: a reservation with this id exists. */
export type ReserveResult = Reservation | ReservedByExpired | 'known';

/**
 * Decides requests with different ids, in the sequence of `requests`: reserves all lines of a request, or stores its
 * rejection with the shortages. A request is contended when another transaction holds the stock. When a later statement
 * fails, only the requests that are undecided fail.
 */
export async function reserveStock(
  db: Queryable,
  requests: readonly ReserveRequest[],
  lane: BatchLane,
): Promise<ItemOutcome<ReserveResult>[]> {
  const outcomes = new Map<string, ItemOutcome<ReserveResult>>();
  const parts = [requests];
  try {
    for (let part = parts.shift(); part; part = parts.shift()) {
      const decided = await reservePart(db, part, lane);
      for (const [id, outcome] of decided) outcomes.set(id, outcome);
      // The stock suffices for some of the others. The first half is decided before the second half; a single request
      // is always decided.
      const undecided = part.filter(({ id }) => !decided.has(id));
      const middle = Math.ceil(undecided.length / 2);
      if (undecided.length > 0) parts.unshift(undecided.slice(0, middle), undecided.slice(middle));
    }
  } catch (error) {
    if (lane === 'CONTENDED' || outcomes.size === 0) throw error;
    return requests.map(({ id }) => outcomes.get(id) ?? failed(error));
  }
  return requests.map(({ id }) => outcomes.get(id) ?? contended);
}

/** Returns the outcomes of the requests that one statement has decided. */
async function reservePart(
  db: Queryable,
  part: readonly ReserveRequest[],
  lane: BatchLane,
): Promise<ReadonlyMap<string, ItemOutcome<ReserveResult>>> {
  if (part.length === 0) return new Map();
  const items = JSON.stringify(part.map(toItem));
  const statement = lane === 'FAST' ? reserveFast({ items }) : reserveWaiting({ items });
  const rows = new Map((await db.query<ReserveRow>(statement)).map((row) => [row.id, row]));
  return new Map(
    part.flatMap((request) => {
      const outcome = toOutcome(request, rows.get(request.id));
      return outcome ? [[request.id, outcome] as const] : [];
    }),
  );
}

function toItem({ id, lines, ttlMs, fingerprint }: ReserveRequest) {
  return {
    id,
    fingerprint: fingerprint.toString('base64'),
    ttl_ms: ttlMs,
    lines: lines.map(({ sku, quantity }) => ({ sku, quantity: String(quantity) })),
  };
}

function toOutcome(
  request: ReserveRequest,
  row: ReserveRow | undefined,
): ItemOutcome<ReserveResult> | undefined {
  switch (row?.outcome) {
    case 'CONTENDED':
      return contended;
    case 'RESERVED_BY_EXPIRED':
      return done(reservedByExpired);
    case 'UNDECIDED':
      return undefined;
    case 'STORED':
      return done(toReserved(request, row));
    default:
      return done('known');
  }
}

function toReserved({ id, lines, fingerprint }: ReserveRequest, row: ReserveRow): Reservation {
  const createdAt = row.created_at ?? new Date(Number.NaN);
  return {
    id,
    state: row.state ?? 'REFUSED',
    lines,
    expiresAt: row.expires_at ?? undefined,
    createdAt,
    updatedAt: createdAt,
    fingerprint,
    shortages: row.shortages ?? undefined,
  };
}
