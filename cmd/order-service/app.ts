import { startTelemetry } from '../../pkg/observability/index.js';
import { connectPorts } from '../../pkg/order/clients.js';
import type { OrderConfig } from '../../pkg/order/config.js';
import { orderHandlers } from '../../pkg/order/grpc.js';
import { orderMigrations } from '../../pkg/order/migrations.js';
import {
  assertMigrated,
  migrate,
  openDatabase,
  poolMetrics,
  startKeyPurge,
} from '../../pkg/postgres/index.js';
import { openTransport, serve, type RunningServer } from '../../pkg/rpc/index.js';
import type { Scope } from '../../pkg/runtime/index.js';
import { startOrders } from './orders.js';

/** Starts the order service. */
export async function startOrder(config: OrderConfig, scope: Scope): Promise<RunningServer> {
  const telemetry = scope.use(await startTelemetry(config.telemetry));
  const transport = scope.use(await openTransport({ tls: config.tls, telemetry }));
  const db = scope.use(await openDatabase(config.database, telemetry.logger));
  await assertMigrated(db, orderMigrations, 'node dist/cmd/order-service/main.js --migrate');
  poolMetrics(db, telemetry.metrics.registry);
  scope.use(startKeyPurge(db, telemetry.logger));
  const { addresses, saga } = config;
  const ports = connectPorts({ addresses, telemetry, transport, timeoutMs: saga.stepTimeoutMs }, scope);
  const orders = await startOrders({ config, telemetry, db, ports }, scope);
  return scope.use(
    await serve({
      config: config.server,
      telemetry,
      transport,
      services: [orderHandlers(orders)],
      readiness: () => db.isReachable(1000),
    }),
  );
}

/** Brings the order database to its schema. */
export function migrateOrder({ database }: OrderConfig): Promise<string[]> {
  return migrate(database.url, orderMigrations);
}
