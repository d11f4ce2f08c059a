import type { Reservation, StockLevel } from '../domain.js';

export function aLevel(overrides: Partial<StockLevel> = {}): StockLevel {
  return {
    sku: 'espresso',
    onHand: 10n,
    reserved: 0n,
    revision: 1n,
    updatedAt: new Date('2026-01-01T00:00:00Z'),
    ...overrides,
  };
}

export function aReservation(overrides: Partial<Reservation> = {}): Reservation {
  return {
    id: '018f0000-0000-7000-8000-000000000001',
    state: 'RESERVED',
    lines: [{ sku: 'espresso', quantity: 1n }],
    expiresAt: new Date('2026-01-01T00:15:00Z'),
    createdAt: new Date('2026-01-01T00:00:00Z'),
    updatedAt: new Date('2026-01-01T00:00:00Z'),
    fingerprint: Buffer.from('f'),
    shortages: undefined,
    ...overrides,
  };
}
