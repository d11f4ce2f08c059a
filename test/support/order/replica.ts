import { Registry } from 'prom-client';
import { orderService } from '../../../cmd/order-service/app.js';
import { startOrders } from '../../../cmd/order-service/orders.js';
import { createLogger, createMetrics } from '../../../pkg/observability/index.js';
import type { OrderPorts } from '../../../pkg/order/clients/clients.js';
import type { OrderService } from '../../../pkg/order/service.js';
import { DatabaseGauges, openDatabase } from '../../../pkg/postgres/index.js';
import { Scope, systemClock } from '../../../pkg/runtime/index.js';
import { testSettings } from '../test-settings.js';
import { RecordingDatabase } from '../recording-database.js';

export type Env = Readonly<Record<string, string>>;

export interface Replica {
  readonly orders: OrderService;
  /** The database of the replica. Heartbeats and claims use another pool. */
  readonly db: RecordingDatabase;
  /** Names of the statements that `db` executed. */
  readonly statements: readonly string[];
  /** Log lines in JSON. */
  readonly logs: readonly string[];
  /** Returns the business metrics in the exposition format. */
  metrics(): Promise<string>;
  /** Waits at most SHUTDOWN_TIMEOUT for running sagas, and releases the orders that are still unfinished. */
  close(): Promise<void>;
}

/** Settings with fast retries. After its start, a replica claims orders only every 10 seconds. */
export const withoutRecovery = {
  ...testSettings,
  LOG_LEVEL: 'debug',
  SHUTDOWN_TIMEOUT: '2s',
  DATABASE_POOL_MAX: '10',
  SAGA_RETRY_BASE: '1ms',
  SAGA_RETRY_CAP: '10ms',
  ORDER_WATCH_INTERVAL: '20ms',
  HEARTBEAT_INTERVAL: '10s',
  HEARTBEAT_TIMEOUT: '60s',
};

/** Settings with frequent claims, and a heartbeat timeout that a live replica does not exceed. */
export const fastRecovery = { HEARTBEAT_INTERVAL: '50ms', HEARTBEAT_TIMEOUT: '20s' };

// All replicas share these metrics, because each collector of process metrics keeps its timers until the process ends.
const processMetrics = createMetrics('order-service');

/** Starts a replica of the order service without a gRPC server, with the database at `url`. */
export async function startReplica(
  url: string,
  ports: OrderPorts,
  env: Env = {},
  clock = systemClock,
): Promise<Replica> {
  const scope = new Scope();
  const config = orderService.configure({ ...withoutRecovery, DATABASE_URL: url, ...env });
  const logs: string[] = [];
  const logger = createLogger(config.telemetry, { write: (line) => void logs.push(line) });
  const db = scope.use(new RecordingDatabase(await openDatabase(config.database, logger)));
  const registry = new Registry();
  const telemetry = { logger, metrics: { ...processMetrics, registry } };
  const gauges = scope.use(new DatabaseGauges(config.database, telemetry));
  const batching = { maxItems: config.batchMax };
  const orders = await startOrders({ config, telemetry, db, gauges, ports, batching, clock }, scope);
  return {
    orders,
    db,
    statements: db.statements,
    logs,
    metrics: () => registry.metrics(),
    close: () => scope.close(),
  };
}

/** Returns the options of a call with a timeout of `ms`. */
export function callOptions(ms = 20_000, signal = new AbortController().signal) {
  return { deadline: Date.now() + ms, signal };
}
