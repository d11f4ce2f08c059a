import {
  inventoryConfig,
  inventoryGauges,
  inventoryHandlers,
  inventoryMetrics,
  inventoryMigrations,
  InventoryService,
  inventorySettings,
  logChanges,
  ReservationBatches,
  StockWatch,
  type InventoryConfig,
} from '../../pkg/inventory/index.js';
import type { BoundService } from '../../pkg/rpc/index.js';
import { everyLogged, FailureLogger, type Scope } from '../../pkg/runtime/index.js';
import { defineService, type ServiceResources } from '../../pkg/service/index.js';

/** Time between two searches for levels that have changed often since their checkpoint. */
const checkpointIntervalMs = 60_000;

export const inventoryService = defineService({
  name: 'inventory-service',
  ports: { grpc: 50052, metrics: 9465 },
  settings: inventorySettings,
  configure: inventoryConfig,
  migrations: inventoryMigrations,
  hasIdempotencyKeys: true,
  build: buildInventory,
});

function buildInventory(resources: ServiceResources<InventoryConfig>, scope: Scope): BoundService {
  const { batching, config, db, gauges, telemetry } = resources;
  const { logger, metrics } = telemetry;
  const watch = scope.use(
    new StockWatch({
      db,
      intervalMs: config.watchIntervalMs,
      limit: config.watchLimit,
      failures: new FailureLogger(logger, {
        failed: 'stock watch failed',
        recovered: 'stock watch recovered',
      }),
    }),
  );
  const countChange = inventoryMetrics(metrics.registry);
  inventoryGauges(gauges);
  const logChange = logChanges(logger);
  const inventory = new InventoryService({
    db,
    reservations: scope.use(new ReservationBatches(db, batching)),
    defaultTtlMs: config.reservationTtlMs,
    onChange: (change) => {
      logChange(change);
      countChange(change);
      watch.notify(change.kind === 'reservation' ? change.skus : [change.sku]);
    },
  });
  const sweepFailures = new FailureLogger(logger, {
    failed: 'release of expired reservations failed',
    recovered: 'release of expired reservations recovered',
  });
  scope.use(everyLogged(config.sweepIntervalMs, (signal) => inventory.sweep(signal), sweepFailures));
  const checkpointFailures = new FailureLogger(logger, {
    failed: 'stock checkpoints failed',
    recovered: 'stock checkpoints recovered',
  });
  scope.use(
    everyLogged(checkpointIntervalMs, (signal) => inventory.advanceCheckpoints(signal), checkpointFailures),
  );
  return inventoryHandlers(inventory, watch);
}
