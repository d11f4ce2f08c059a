import { ConfigError, duration, integer, type Settings, type Values } from '../config/index.js';
import { addressSettings } from '../rpc/index.js';
import type { RecoveryConfig } from './saga/recovery.js';
import type { SagaConfig } from './saga/saga.js';

const { INVENTORY_SERVICE_ADDR, PAYMENT_SERVICE_ADDR, CATALOG_SERVICE_ADDR } = addressSettings;

export const orderSettings = {
  INVENTORY_SERVICE_ADDR,
  PAYMENT_SERVICE_ADDR,
  CATALOG_SERVICE_ADDR,
  ORDER_MAX_IN_FLIGHT: integer({
    default: '512',
    min: 1,
    max: 100_000,
    help: 'Maximum number of new orders that one replica drives; above the limit, new orders are rejected as OVERLOADED. As many further slots serve cancellations and orders that the replica takes over',
  }),
  SAGA_STEP_TIMEOUT: duration({
    default: '3s',
    min: '50ms',
    max: '60s',
    help: 'Maximum duration of one attempt of a saga step; after this time, the step is in doubt and is repeated',
  }),
  SAGA_RETRY_BASE: duration({
    default: '50ms',
    min: '1ms',
    max: '10s',
    help: 'Upper bound of the delay before the first retry of a step in doubt; the bound doubles with each retry',
  }),
  SAGA_RETRY_CAP: duration({
    default: '10s',
    min: '10ms',
    max: '10s',
    help: 'Upper bound of every delay before a retry of a step in doubt',
  }),
  PRICE_CACHE_MAX_AGE: duration({
    default: '1s',
    min: '0ms',
    max: '1s',
    help: 'Maximum age of the prices of a new order, from the request to the catalog on; 0ms reads the prices for each order',
  }),
  HEARTBEAT_INTERVAL: duration({
    default: '300ms',
    min: '50ms',
    max: '10s',
    help: 'Time between two heartbeats of a replica, and between two searches for orders without a live driver',
  }),
  HEARTBEAT_TIMEOUT: duration({
    default: '1200ms',
    min: '200ms',
    max: '60s',
    help: 'Maximum age of the last heartbeat of a replica that has lost its database session before other replicas claim its orders (10 s while it holds the session); at least twice HEARTBEAT_INTERVAL',
  }),
  ORDER_WATCH_INTERVAL: duration({
    default: '250ms',
    min: '20ms',
    max: '10s',
    help: 'Time between two polls of watched orders that another replica drives',
  }),
} satisfies Settings;

export interface OrderConfig {
  readonly addresses: { readonly inventory: string; readonly payment: string; readonly catalog: string };
  readonly maxInFlight: number;
  readonly priceMaxAgeMs: number;
  readonly saga: SagaConfig;
  readonly recovery: RecoveryConfig;
  readonly watchPollMs: number;
}

/** @throws ConfigError when the heartbeat settings contradict each other */
export function orderConfig(values: Values<typeof orderSettings>): OrderConfig {
  // With a shorter timeout, live replicas would claim each other's orders.
  if (values.HEARTBEAT_TIMEOUT < 2 * values.HEARTBEAT_INTERVAL)
    throw new ConfigError(['HEARTBEAT_TIMEOUT must be at least twice HEARTBEAT_INTERVAL']);
  return {
    addresses: {
      inventory: values.INVENTORY_SERVICE_ADDR,
      payment: values.PAYMENT_SERVICE_ADDR,
      catalog: values.CATALOG_SERVICE_ADDR,
    },
    maxInFlight: values.ORDER_MAX_IN_FLIGHT,
    priceMaxAgeMs: values.PRICE_CACHE_MAX_AGE,
    saga: {
      stepTimeoutMs: values.SAGA_STEP_TIMEOUT,
      backoff: { baseMs: values.SAGA_RETRY_BASE, capMs: values.SAGA_RETRY_CAP },
    },
    recovery: {
      heartbeatMs: values.HEARTBEAT_INTERVAL,
      heartbeatTimeoutMs: values.HEARTBEAT_TIMEOUT,
    },
    watchPollMs: values.ORDER_WATCH_INTERVAL,
  };
}
