import { startOrders } from '../../cmd/order-service/orders.js';
import { createLogger, createMetrics } from '../../pkg/observability/index.js';
import { loadOrderConfig } from '../../pkg/order/config.js';
import type { OrderService, Patience } from '../../pkg/order/service.js';
import type { FakePorts } from '../../pkg/order/testing/fake-ports.js';
import { openDatabase, type Database } from '../../pkg/postgres/index.js';
import { Scope } from '../../pkg/runtime/index.js';

export interface Replica {
  readonly orders: OrderService;
  readonly db: Database;
  /** Stops in good order: sagas end, the rest is handed over. */
  close(): Promise<void>;
}

/** One replica of the order business over a database that others may share. */
export async function startReplica(url: string, ports: FakePorts, env: Record<string, string> = {}): Promise<Replica> {
  const scope = new Scope();
  const config = loadOrderConfig({ DATABASE_URL: url, LOG_LEVEL: 'silent', SHUTDOWN_TIMEOUT: '2s', ...env });
  const logger = createLogger({ service: 'order-service', logLevel: 'silent', logFormat: 'json' });
  const db = scope.use(await openDatabase(config.database, logger));
  const orders = await startOrders({ config, telemetry: { logger, metrics: createMetrics() }, db, ports }, scope);
  return { orders, db, close: () => scope.close() };
}

/** A caller who waits at most `ms`. */
export function patience(ms = 20_000, signal = new AbortController().signal): Patience {
  return { deadline: Date.now() + ms, signal };
}
