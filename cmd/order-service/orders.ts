import type { Telemetry } from '../../pkg/observability/index.js';
import type { OrderPorts } from '../../pkg/order/clients.js';
import type { OrderConfig } from '../../pkg/order/config.js';
import { orderEvents } from '../../pkg/order/events.js';
import { orderGauges, orderMetrics, sagaGauges } from '../../pkg/order/metrics.js';
import { OrderFeed } from '../../pkg/order/order-feed.js';
import { startRecovery } from '../../pkg/order/recovery.js';
import { SagaRunner } from '../../pkg/order/saga-runner.js';
import { Saga } from '../../pkg/order/saga.js';
import { OrderService } from '../../pkg/order/service.js';
import { DatabaseGauges, openDatabase, type Database } from '../../pkg/postgres/index.js';
import { Outage, systemClock, uuidv7, type Scope } from '../../pkg/runtime/index.js';

/** Watchers of one replica. */
const watcherLimit = 10_000;

export interface OrdersDeps {
  readonly config: OrderConfig;
  readonly telemetry: Pick<Telemetry, 'logger' | 'metrics'>;
  readonly db: Database;
  readonly ports: OrderPorts;
}

/** The order business of one process: intake, sagas, and recovery of what others left behind. */
export async function startOrders(
  { config, telemetry, db, ports }: OrdersDeps,
  scope: Scope,
): Promise<OrderService> {
  const { logger, metrics } = telemetry;
  const instance = uuidv7();
  const clock = systemClock;
  const events = orderEvents(logger, orderMetrics(metrics.registry));
  orderGauges(scope.use(new DatabaseGauges(config.database, telemetry)));
  const feed = scope.use(
    new OrderFeed({
      db,
      pollMs: config.watchPollMs,
      limit: watcherLimit,
      outage: new Outage(logger, { fails: 'order feed cannot read', works: 'order feed reads again' }),
    }),
  );
  const saga = new Saga({
    db,
    clock,
    logger,
    instance,
    inventory: ports.inventory,
    payment: ports.payment,
    config: config.saga,
    events,
    onProgress: (orderId) => feed.wake(orderId),
  });
  const runner = new SagaRunner({
    saga,
    logger,
    limit: config.maxInFlight,
    drainMs: config.server.shutdownTimeoutMs,
  });
  sagaGauges(metrics.registry, runner);
  // A pool of its own: heartbeats must not queue behind the work.
  const heartbeats = scope.use(await openDatabase({ ...config.database, poolMax: 2 }, logger));
  const shared = { instance, runner, events };
  scope.use(await startRecovery({ ...shared, db: heartbeats, logger, config: config.recovery }));
  scope.use(runner);
  return new OrderService({ ...shared, db, catalog: ports.catalog, feed, clock, newId: uuidv7 });
}
