import { expect } from 'chai';
import { isAppError, type Reason } from '../../../pkg/errors/index.js';
import {
  ReservationState,
  StockView,
  type AdjustStockRequest,
  type Reservation,
  type ReserveStockRequest,
  type StockLevel,
} from '../../../pkg/pb/inventory/v1/inventory.js';
import { sql, type Queryable } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import type { InventoryClient } from './server.js';

/** Quantity per SKU, such as `{ espresso: 2 }`. */
export type Units = Readonly<Record<string, number>>;

export function aReserve(units: Units, overrides: Partial<ReserveStockRequest> = {}): ReserveStockRequest {
  const items = Object.entries(units).map(([sku, quantity]) => ({ sku, quantity: BigInt(quantity) }));
  return { reservationId: uuidv7(), items, ttl: undefined, ...overrides };
}

export function anAdjustment(overrides: Partial<AdjustStockRequest> = {}): AdjustStockRequest {
  return { requestId: '', sku: 'espresso', delta: 10n, reason: 'delivery', ...overrides };
}

export async function addStock(client: InventoryClient, units: Units): Promise<void> {
  const deliveries = Object.entries(units).map(([sku, quantity]) =>
    client.adjustStock(anAdjustment({ sku, delta: BigInt(quantity) })),
  );
  await Promise.all(deliveries);
}

/** Reserves `units` and returns the id of the reservation. */
export async function reserve(client: InventoryClient, units: Units): Promise<string> {
  const request = aReserve(units);
  await client.reserveStock(request);
  return request.reservationId;
}

export async function stockOf(client: InventoryClient, sku: string): Promise<StockLevel> {
  const { stock } = await client.getStock({ sku, view: StockView.AUDIT });
  if (!stock) throw new Error('the response has no stock');
  return stock;
}

/** Returns the levels of the SKUs as `sku onHand/reserved`. */
export async function levelsOf(client: InventoryClient, ...skus: string[]): Promise<string[]> {
  const { stock } = await client.batchGetStock({ skus, view: StockView.BASIC });
  return stock.map(({ sku, onHand, reserved }) => `${sku} ${onHand}/${reserved}`);
}

export async function stateOf(client: InventoryClient, reservationId: string): Promise<string> {
  const { reservation } = await client.getReservation({ reservationId });
  return stateName(reservation);
}

export function stateName(reservation: Reservation | undefined): string {
  return ReservationState[reservation?.state ?? ReservationState.UNSPECIFIED];
}

/** Returns `OK` or the reason of the AppError; rethrows other errors. */
export async function outcomeOf(call: Promise<unknown>): Promise<'OK' | Reason> {
  try {
    await call;
    return 'OK';
  } catch (error) {
    if (isAppError(error)) return error.reason;
    throw error;
  }
}

/** Counts calls by outcome. */
export async function outcomesOf(calls: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const outcome of await Promise.all(calls.map(outcomeOf))) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/**
 * Expects for each SKU that the units on hand equal the sum of the movements, that the reserved units equal the sum of
 * the open reservations, and that 0 <= reserved <= on hand.
 */
export async function expectConsistentStock(client: InventoryClient, skus: readonly string[]): Promise<void> {
  const { stock } = await client.batchGetStock({ skus: [...skus], view: StockView.AUDIT });
  for (const { sku, onHand, reserved, available, audit } of stock) {
    expect(audit, sku).to.include({ movementsSum: onHand, openReservationsSum: reserved });
    expect(reserved >= 0n && reserved <= onHand && available === onHand - reserved, sku).to.equal(true);
  }
}

const expireReservations = sql(
  'test.expire_reservations',
  `update reservations set created_at = now() - interval '1 hour', expires_at = now() - interval '1 second'
   where id = any ($ids::uuid[]) and state = 'RESERVED'`,
);

/** Moves the expiry time of open reservations into the past without a sweep. */
export async function expire(db: Queryable, ...ids: readonly string[]): Promise<void> {
  await db.query(expireReservations({ ids }));
}

const storedStates = sql(
  'test.stored_states',
  'select state from reservations where id = any ($ids::uuid[])',
);

/** Returns the stored states. The stored state of an expired reservation is RESERVED until the reservation is swept. */
export async function storedStatesOf(db: Queryable, ...ids: readonly string[]): Promise<string[]> {
  return (await db.query<{ state: string }>(storedStates({ ids }))).map(({ state }) => state);
}

const countDeadlocks = sql(
  'test.count_deadlocks',
  'select deadlocks from pg_stat_database where datname = current_database()',
);

/** Returns the number of deadlocks in the database. The service retries after a deadlock, so callers get no error. */
export async function deadlocksIn(db: Queryable): Promise<bigint | undefined> {
  return (await db.query<{ deadlocks: bigint }>(countDeadlocks()))[0]?.deadlocks;
}

/** Returns a generator of integers below a bound. Equal seeds give equal integers (mulberry32, public domain). */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

export function shuffled<T>(items: readonly T[], random: (below: number) => number): T[] {
  const rest = [...items];
  return items.map(() => rest.splice(random(rest.length), 1)[0] as T);
}
