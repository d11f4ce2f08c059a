import { expect } from 'chai';
import { isAppError, type Reason } from '../../pkg/errors/index.js';
import {
  ReservationState,
  StockView,
  type AdjustStockRequest,
  type Reservation,
  type ReserveStockRequest,
  type StockLevel,
} from '../../pkg/pb/inventory/v1/inventory.js';
import { sql, type Queryable } from '../../pkg/postgres/index.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import type { InventoryClient } from './inventory-server.js';

/** `{ espresso: 2 }` */
export type Units = Readonly<Record<string, number>>;

export function aReserve(units: Units, over: Partial<ReserveStockRequest> = {}): ReserveStockRequest {
  const items = Object.entries(units).map(([sku, quantity]) => ({ sku, quantity: BigInt(quantity) }));
  return { reservationId: uuidv7(), items, ttl: undefined, ...over };
}

export function anAdjustment(over: Partial<AdjustStockRequest> = {}): AdjustStockRequest {
  return { requestId: '', sku: 'espresso', delta: 10n, reason: 'delivery', ...over };
}

export async function stockUp(client: InventoryClient, units: Units): Promise<void> {
  const deliveries = Object.entries(units).map(([sku, quantity]) =>
    client.adjustStock(anAdjustment({ sku, delta: BigInt(quantity) })),
  );
  await Promise.all(deliveries);
}

/** Claims `units` and returns the id of the reservation. */
export async function reserve(client: InventoryClient, units: Units): Promise<string> {
  const request = aReserve(units);
  await client.reserveStock(request);
  return request.reservationId;
}

export async function stockOf(client: InventoryClient, sku: string): Promise<StockLevel> {
  const { stock } = await client.getStock({ sku, view: StockView.AUDIT });
  if (!stock) throw new Error('no stock in the answer');
  return stock;
}

/** `on hand/reserved` of each SKU. */
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

/** `OK`, or why a call failed; a failure without a reason of ours is thrown. */
export async function outcomeOf(call: Promise<unknown>): Promise<'OK' | Reason> {
  try {
    await call;
    return 'OK';
  } catch (error) {
    if (isAppError(error)) return error.reason;
    throw error;
  }
}

/** How often each outcome came. */
export async function outcomesOf(calls: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const outcome of await Promise.all(calls.map(outcomeOf))) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** Every level agrees with its records, and is possible at all. */
export async function expectSoundBooks(client: InventoryClient, skus: readonly string[]): Promise<void> {
  const { stock } = await client.batchGetStock({ skus: [...skus], view: StockView.AUDIT });
  for (const { sku, onHand, reserved, available, audit } of stock) {
    expect(audit, sku).to.include({ movementsSum: onHand, openReservationsSum: reserved });
    expect(reserved >= 0n && reserved <= onHand && available === onHand - reserved, sku).to.equal(true);
  }
}

const lapseClaims = sql(
  'test.lapse_claims',
  `update reservations set created_at = now() - interval '1 hour', expires_at = now() - interval '1 second'
   where id = any ($1::uuid[]) and state = 'RESERVED'`,
);

/** Lets the time of open claims run out. */
export async function lapse(db: Queryable, ...ids: readonly string[]): Promise<void> {
  await db.query(lapseClaims, [ids]);
}

const storedStates = sql('test.stored_states', 'select state from reservations where id = any ($1::uuid[])');

/** What the rows say, whatever the time. */
export async function storedStatesOf(db: Queryable, ...ids: readonly string[]): Promise<string[]> {
  return (await db.query<{ state: string }>(storedStates, [ids])).map(({ state }) => state);
}

const countDeadlocks = sql(
  'test.count_deadlocks',
  'select deadlocks from pg_stat_database where datname = current_database()',
);

/** Deadlocks in this database so far; the service would repeat what they undid, unseen by callers. */
export async function deadlocksIn(db: Queryable): Promise<bigint | undefined> {
  return (await db.query<{ deadlocks: bigint }>(countDeadlocks))[0]?.deadlocks;
}

/** The same numbers in every run: mulberry32, public domain, by T. Ettinger. */
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
