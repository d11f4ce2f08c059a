import { AppError } from '../errors/index.js';
import { limits, type ReservationState, type Shortage } from './domain.js';

/** The message names at most three shortages; the preconditions name every shortage. */
export function outOfStock(id: string, shortages: readonly Shortage[]): AppError {
  return new AppError({
    reason: 'OUT_OF_STOCK',
    message: `not enough stock: ${describe(shortages)}`,
    metadata: { reservation_id: id, skus: shortages.map(({ sku }) => sku).join(',') },
    preconditions: preconditionsOf(shortages),
  });
}

export function reservationExpired(id: string, shortages: readonly Shortage[]): AppError {
  return new AppError({
    reason: 'RESERVATION_EXPIRED',
    message: `the reservation has expired and its stock is no longer available: ${describe(shortages)}`,
    metadata: { reservation_id: id, skus: shortages.map(({ sku }) => sku).join(',') },
    preconditions: preconditionsOf(shortages),
  });
}

export function reservationReleased(id: string): AppError {
  return new AppError({
    reason: 'RESERVATION_RELEASED',
    message: 'the reservation was released',
    metadata: { reservation_id: id },
    preconditions: [{ type: 'RESERVATION', subject: id, description: 'was released' }],
  });
}

export function illegalCommit(id: string, state: ReservationState): AppError {
  return new AppError({
    reason: 'ILLEGAL_TRANSITION',
    message: `a reservation that is ${state} cannot be committed`,
    metadata: { reservation_id: id, state },
    preconditions: [{ type: 'RESERVATION', subject: id, description: `is ${state}` }],
  });
}

export function reservationNotFound(id: string): AppError {
  return new AppError({
    reason: 'RESERVATION_NOT_FOUND',
    message: 'reservation not found',
    metadata: { reservation_id: id },
  });
}

export function reservationIdReused(id: string): AppError {
  return new AppError({
    reason: 'REQUEST_ID_REUSED',
    message: 'this reservation_id was used for a different request',
    metadata: { reservation_id: id },
  });
}

export function stockNotFound(skus: readonly string[]): AppError {
  return new AppError({
    reason: 'STOCK_NOT_FOUND',
    message: `SKUs that were never stocked: ${skus.join(', ')}`,
    metadata: { skus: skus.join(',') },
  });
}

export function stockBelowReserved(sku: string, onHand: bigint, reserved: bigint): AppError {
  return new AppError({
    reason: 'STOCK_BELOW_RESERVED',
    message: `${sku} has ${onHand} units on hand, ${reserved} of them reserved`,
    metadata: { sku, on_hand: String(onHand), reserved: String(reserved) },
    preconditions: [{ type: 'STOCK', subject: sku, description: `${reserved} are reserved` }],
  });
}

export function tooMuchStock(sku: string): AppError {
  const description = `would raise on_hand above ${limits.onHand}`;
  return new AppError({
    reason: 'VALIDATION_FAILED',
    message: `invalid request: delta ${description}`,
    metadata: { sku },
    fields: [{ field: 'delta', description }],
  });
}

/** Concurrent calls changed the same stock too often. Nothing is stored; the caller may repeat the call. */
export function contended(): AppError {
  return new AppError({ reason: 'CONFLICT', message: 'other calls are changing the same stock' });
}

function describe(shortages: readonly Shortage[]): string {
  const named = shortages
    .slice(0, 3)
    .map(({ sku, wanted, available }) => `${sku} (${available} of ${wanted})`);
  return shortages.length > 3 ? `${named.join(', ')} and ${shortages.length - 3} more` : named.join(', ');
}

function preconditionsOf(shortages: readonly Shortage[]) {
  return shortages.map(({ sku, wanted, available, stocked }) => ({
    type: 'STOCK',
    subject: sku,
    description: stocked ? `${wanted} wanted, ${available} available` : `${wanted} wanted, never stocked`,
  }));
}
