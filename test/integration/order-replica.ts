import { Registry } from 'prom-client';
import { startOrders } from '../../cmd/order-service/orders.js';
import { createLogger, createMetrics } from '../../pkg/observability/index.js';
import type { OrderPorts } from '../../pkg/order/clients.js';
import { loadOrderConfig } from '../../pkg/order/config.js';
import type { OrderService, Patience } from '../../pkg/order/service.js';
import { openDatabase } from '../../pkg/postgres/index.js';
import { Scope } from '../../pkg/runtime/index.js';
import { RecordingDatabase } from './recording-database.js';

export interface Replica {
  readonly orders: OrderService;
  /** What the replica asks of its database, heartbeats and claims aside. */
  readonly db: RecordingDatabase;
  /** Names of the statements it has run there. */
  readonly statements: readonly string[];
  /** Lines of its log, JSON. */
  readonly logs: readonly string[];
  /** Its business metrics, as /metrics shows them. */
  metrics(): Promise<string>;
  /** Stops in good order: sagas end, the rest is handed over. */
  close(): Promise<void>;
}

/** Settings with which nobody claims anything unless a test makes it happen. */
const quiet = {
  LOG_LEVEL: 'debug',
  SHUTDOWN_TIMEOUT: '2s',
  DATABASE_POOL_MAX: '10',
  DATABASE_CONNECT_TIMEOUT: '20s',
  DATABASE_STATEMENT_TIMEOUT: '30s',
  SAGA_RETRY_BASE: '1ms',
  SAGA_RETRY_CAP: '10ms',
  ORDER_WATCH_INTERVAL: '20ms',
  HEARTBEAT_INTERVAL: '10s',
  HEARTBEAT_TIMEOUT: '60s',
};

/** Settings of a replica that soon claims what silent ones left, and takes none that lives for silent. */
export const watchful = { HEARTBEAT_INTERVAL: '50ms', HEARTBEAT_TIMEOUT: '20s' };

// Metrics of the process itself are collected once: each collector keeps its timers for ever.
const processMetrics = createMetrics('order-service');

/** One replica of the order business over a database that others may share. */
export async function startReplica(
  url: string,
  ports: OrderPorts,
  env: Readonly<Record<string, string>> = {},
): Promise<Replica> {
  const scope = new Scope();
  const config = loadOrderConfig({ ...quiet, DATABASE_URL: url, ...env });
  const logs: string[] = [];
  const logger = createLogger(config.telemetry, { write: (line) => void logs.push(line) });
  const db = scope.use(new RecordingDatabase(await openDatabase(config.database, logger)));
  const registry = new Registry();
  const telemetry = { logger, metrics: { ...processMetrics, registry } };
  const orders = await startOrders({ config, telemetry, db, ports }, scope);
  return {
    orders,
    db,
    statements: db.statements,
    logs,
    metrics: () => registry.metrics(),
    close: () => scope.close(),
  };
}

/** A caller who waits at most `ms`. */
export function patience(ms = 20_000, signal = new AbortController().signal): Patience {
  return { deadline: Date.now() + ms, signal };
}
