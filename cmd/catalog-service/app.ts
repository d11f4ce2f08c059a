import type { CatalogConfig } from '../../pkg/catalog/config.js';
import { catalogHandlers } from '../../pkg/catalog/grpc.js';
import { catalogMigrations } from '../../pkg/catalog/migrations.js';
import { CatalogService } from '../../pkg/catalog/service.js';
import { startTelemetry } from '../../pkg/observability/index.js';
import {
  assertMigrated,
  DatabaseGauges,
  migrate,
  openDatabase,
  poolMetrics,
  startKeyPurge,
} from '../../pkg/postgres/index.js';
import { openTransport, serve, type RunningServer } from '../../pkg/rpc/index.js';
import type { Scope } from '../../pkg/runtime/index.js';

/** Starts the catalog service; `scope` ends it. */
export async function startCatalog(config: CatalogConfig, scope: Scope): Promise<RunningServer> {
  const telemetry = scope.use(await startTelemetry(config.telemetry));
  const transport = scope.use(await openTransport({ tls: config.tls, telemetry }));
  const { logger } = telemetry;
  const db = scope.use(await openDatabase(config.database, logger));
  await assertMigrated(db, catalogMigrations, 'node dist/cmd/catalog-service/main.js --migrate');
  poolMetrics(db, telemetry.metrics.registry);
  scope.use(new DatabaseGauges(config.database, telemetry));
  scope.use(startKeyPurge(db, logger));
  const services = [catalogHandlers(new CatalogService({ db }))];
  const readiness = (): Promise<boolean> => db.isReachable(1000);
  return scope.use(await serve({ config: config.server, telemetry, transport, services, readiness }));
}

/** Brings the catalog database to its schema. */
export function migrateCatalog({ database }: CatalogConfig): Promise<string[]> {
  return migrate(database.url, catalogMigrations);
}
