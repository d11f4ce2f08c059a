import { duration, integer, type Settings, type Values } from '../config/index.js';

export const inventorySettings = {
  RESERVATION_TTL: duration({
    default: '15m',
    min: '1s',
    max: '24h',
    help: 'Lifetime of a reservation if the request has no `ttl`; longer than PAYMENT_ACTION_TIMEOUT, so that stock stays reserved while a customer acts',
  }),
  RESERVATION_SWEEP_INTERVAL: duration({
    default: '5s',
    min: '50ms',
    max: '24h',
    help: 'Time between two sweeps for expired reservations',
  }),
  STOCK_WATCH_INTERVAL: duration({
    default: '250ms',
    min: '10ms',
    max: '1m',
    help: 'Time between two polls of watched stock for changes made by other replicas',
  }),
  STOCK_WATCH_LIMIT: integer({
    default: '500',
    min: 1,
    max: 100_000,
    help: 'Concurrent WatchStock calls per process; further calls are rejected as OVERLOADED',
  }),
} satisfies Settings;

export interface InventoryConfig {
  readonly reservationTtlMs: number;
  readonly sweepIntervalMs: number;
  readonly watchIntervalMs: number;
  readonly watchLimit: number;
}

export function inventoryConfig(values: Values<typeof inventorySettings>): InventoryConfig {
  return {
    reservationTtlMs: values.RESERVATION_TTL,
    sweepIntervalMs: values.RESERVATION_SWEEP_INTERVAL,
    watchIntervalMs: values.STOCK_WATCH_INTERVAL,
    watchLimit: values.STOCK_WATCH_LIMIT,
  };
}
