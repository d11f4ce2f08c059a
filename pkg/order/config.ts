import {
  ConfigError,
  duration,
  integer,
  readSettings,
  type Environment,
  type Settings,
} from '../config/index.js';
import { addressSettings } from '../rpc/config.js';
import { serviceConfig, serviceSettings, type ServiceConfig } from '../rpc/service-config.js';
import type { RecoveryConfig } from './recovery.js';
import type { SagaConfig } from './saga.js';

const { INVENTORY_SERVICE_ADDR, PAYMENT_SERVICE_ADDR, CATALOG_SERVICE_ADDR } = addressSettings;

export const orderSettings = {
  ...serviceSettings('order-service', { grpc: 50051, metrics: 9464 }),
  INVENTORY_SERVICE_ADDR,
  PAYMENT_SERVICE_ADDR,
  CATALOG_SERVICE_ADDR,
  ORDER_MAX_IN_FLIGHT: integer({
    default: '512',
    min: 1,
    max: 100_000,
    help: 'Orders that one replica drives at once; new ones beyond that are refused as OVERLOADED, cancellations never',
  }),
  SAGA_STEP_TIMEOUT: duration({
    default: '3s',
    min: '50ms',
    max: '60s',
    help: 'Longest wait for the answer to one step of an order; then it is in doubt and repeated',
  }),
  SAGA_RETRY_BASE: duration({
    default: '50ms',
    min: '1ms',
    max: '10s',
    help: 'Upper bound of the wait before a step in doubt is first repeated; doubles from there',
  }),
  SAGA_RETRY_CAP: duration({
    default: '2s',
    min: '10ms',
    max: '60s',
    help: 'Upper bound of every wait before a step in doubt is repeated',
  }),
  HEARTBEAT_INTERVAL: duration({
    default: '300ms',
    min: '50ms',
    max: '10s',
    help: 'Time between two heartbeats of a replica, and between two looks for stalled orders',
  }),
  HEARTBEAT_TIMEOUT: duration({
    default: '1200ms',
    min: '200ms',
    max: '60s',
    help: 'Silence after which the orders of a replica are carried on by the others; at least twice HEARTBEAT_INTERVAL',
  }),
  ORDER_WATCH_INTERVAL: duration({
    default: '250ms',
    min: '20ms',
    max: '10s',
    help: 'Time between two looks at watched orders that another replica drives',
  }),
} satisfies Settings;

export interface OrderConfig extends ServiceConfig {
  readonly addresses: { readonly inventory: string; readonly payment: string; readonly catalog: string };
  readonly maxInFlight: number;
  readonly saga: SagaConfig;
  readonly recovery: RecoveryConfig;
  readonly watchPollMs: number;
}

/** @throws ConfigError that names every problem of single settings, else of their relations */
export function loadOrderConfig(env: Environment): OrderConfig {
  const values = readSettings(env, orderSettings);
  // Else replicas that are alive would take over each other's orders all the time.
  if (values.HEARTBEAT_TIMEOUT < 2 * values.HEARTBEAT_INTERVAL)
    throw new ConfigError(['HEARTBEAT_TIMEOUT must be at least twice HEARTBEAT_INTERVAL']);
  return {
    ...serviceConfig(values),
    addresses: {
      inventory: values.INVENTORY_SERVICE_ADDR,
      payment: values.PAYMENT_SERVICE_ADDR,
      catalog: values.CATALOG_SERVICE_ADDR,
    },
    maxInFlight: values.ORDER_MAX_IN_FLIGHT,
    saga: {
      stepTimeoutMs: values.SAGA_STEP_TIMEOUT,
      slowStepMs: 200,
      backoff: { baseMs: values.SAGA_RETRY_BASE, capMs: values.SAGA_RETRY_CAP },
    },
    recovery: { heartbeatMs: values.HEARTBEAT_INTERVAL, silenceMs: values.HEARTBEAT_TIMEOUT },
    watchPollMs: values.ORDER_WATCH_INTERVAL,
  };
}
