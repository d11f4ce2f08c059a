import {
  inventoryHandlers,
  inventoryGauges,
  inventoryMetrics,
  inventoryMigrations,
  InventoryService,
  logChanges,
  StockWatch,
  type InventoryConfig,
} from '../../pkg/inventory/index.js';
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
import { everyLogged, Outage, type Scope } from '../../pkg/runtime/index.js';

const migrateCommand = 'node dist/cmd/inventory-service/main.js --migrate';
const reachableWithinMs = 1000;

/** Starts the inventory service; `scope` ends it. */
export async function startInventory(config: InventoryConfig, scope: Scope): Promise<RunningServer> {
  const telemetry = scope.use(await startTelemetry(config.telemetry));
  const transport = scope.use(await openTransport({ tls: config.tls, telemetry }));
  const { logger, metrics } = telemetry;
  const db = scope.use(await openDatabase(config.database, logger));
  await assertMigrated(db, inventoryMigrations, migrateCommand);
  poolMetrics(db, telemetry.metrics.registry);

  const watch = scope.use(
    new StockWatch({
      db,
      intervalMs: config.watchIntervalMs,
      limit: config.watchLimit,
      outage: new Outage(logger, {
        fails: 'watched stock could not be read',
        works: 'watched stock can be read again',
      }),
    }),
  );
  const countChange = inventoryMetrics(metrics.registry);
  inventoryGauges(scope.use(new DatabaseGauges(config.database, telemetry)));
  const logChange = logChanges(logger);
  const inventory = new InventoryService({
    db,
    defaultTtlMs: config.reservationTtlMs,
    onChange: (change) => {
      logChange(change);
      countChange(change);
      watch.wake(change.kind === 'claim' ? change.skus : [change.sku]);
    },
  });
  const sweeping = new Outage(logger, {
    fails: 'expired reservations could not be swept',
    works: 'expired reservations are swept again',
  });
  scope.use(everyLogged(config.sweepIntervalMs, (signal) => inventory.sweep(signal), sweeping));
  scope.use(startKeyPurge(db, logger));
  const readiness = (): Promise<boolean> => db.isReachable(reachableWithinMs);
  const services = [inventoryHandlers(inventory, watch)];
  return scope.use(await serve({ config: config.server, telemetry, transport, services, readiness }));
}

/** Brings the inventory database to its schema; returns what was applied. */
export function migrateInventory(config: InventoryConfig): Promise<string[]> {
  return migrate(config.database.url, inventoryMigrations);
}
