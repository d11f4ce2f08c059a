import { duration, integer, readSettings, type Environment, type Settings } from '../config/index.js';
import { serviceConfig, serviceSettings, type ServiceConfig } from '../rpc/service-config.js';

export const inventorySettings = {
  ...serviceSettings('inventory-service', { grpc: 50052, metrics: 9465 }),
  RESERVATION_TTL: duration({
    default: '15m',
    min: '1s',
    max: '24h',
    help: 'How long a reservation holds its stock when the caller does not say',
  }),
  RESERVATION_SWEEP_INTERVAL: duration({
    default: '5s',
    min: '50ms',
    max: '24h',
    help: 'Time between two searches for expired reservations',
  }),
  STOCK_WATCH_INTERVAL: duration({
    default: '250ms',
    min: '10ms',
    max: '1m',
    help: 'Time between two looks for stock that other replicas changed, while somebody watches it',
  }),
  STOCK_WATCH_LIMIT: integer({
    default: '500',
    min: 1,
    max: 100_000,
    help: 'WatchStock calls served at once by one process; more are refused as OVERLOADED',
  }),
} satisfies Settings;

export interface InventoryConfig extends ServiceConfig {
  readonly reservationTtlMs: number;
  readonly sweepIntervalMs: number;
  readonly watchIntervalMs: number;
  readonly watchLimit: number;
}

/** @throws ConfigError */
export function loadInventoryConfig(env: Environment): InventoryConfig {
  const values = readSettings(env, inventorySettings);
  return {
    ...serviceConfig(values),
    reservationTtlMs: values.RESERVATION_TTL,
    sweepIntervalMs: values.RESERVATION_SWEEP_INTERVAL,
    watchIntervalMs: values.STOCK_WATCH_INTERVAL,
    watchLimit: values.STOCK_WATCH_LIMIT,
  };
}
