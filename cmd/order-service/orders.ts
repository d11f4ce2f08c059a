import type { Telemetry } from '../../pkg/observability/index.js';
import {
  type OrderPorts,
  type OrderConfig,
  orderEvents,
  orderGauges,
  orderMetrics,
  sagaGauges,
  OrderBatches,
  OrderFeed,
  startRecovery,
  SagaRunner,
  Saga,
  OrderService,
} from '../../pkg/order/index.js';
import {
  DatabaseSession,
  openDatabase,
  type Database,
  type DatabaseGauges,
} from '../../pkg/postgres/index.js';
import {
  FailureLogger,
  systemClock,
  uuidv7,
  type Batching,
  type Clock,
  type Scope,
} from '../../pkg/runtime/index.js';
import type { ServiceConfig } from '../../pkg/service/index.js';
import { startOperators } from './operators.js';

/** Maximum number of concurrent WatchOrder calls on one replica. */
const watcherLimit = 10_000;

/** Minimum timeout of a heartbeat: with less, a slow machine would open a new connection for each heartbeat. */
const minSessionTimeoutMs = 3000;

export interface OrdersDeps {
  readonly config: OrderConfig & Pick<ServiceConfig, 'database' | 'server'>;
  readonly telemetry: Pick<Telemetry, 'logger' | 'metrics'>;
  readonly db: Database;
  readonly gauges: DatabaseGauges;
  readonly ports: OrderPorts;
  readonly batching: Batching;
  /** Default: the clock of the system. */
  readonly clock?: Clock;
}

/** Starts the business objects of one process: order service, sagas, order feed and recovery. */
export async function startOrders(
  { config, telemetry, db, gauges, ports, batching, clock = systemClock }: OrdersDeps,
  scope: Scope,
): Promise<OrderService> {
  const { logger, metrics } = telemetry;
  const instance = uuidv7();
  const events = orderEvents(logger, orderMetrics(metrics.registry));
  orderGauges(gauges);
  const feed = scope.use(
    new OrderFeed({
      db,
      pollMs: config.watchPollMs,
      limit: watcherLimit,
      failures: new FailureLogger(logger, {
        failed: 'order feed failed',
        recovered: 'order feed recovered',
      }),
    }),
  );
  const orders = scope.use(new OrderBatches(db, batching));
  const saga = new Saga({ ...ports, orders, clock, logger, instance, config: config.saga, events, feed });
  const runner = new SagaRunner({
    saga,
    logger,
    limit: config.maxInFlight,
    drainMs: config.server.shutdownTimeoutMs,
  });
  sagaGauges(metrics.registry, runner);
  // Claims have a separate pool, so that they do not queue behind other statements. Heartbeats have a separate
  // connection, so that they do not queue behind a slow claim.
  const claimDb = scope.use(await openDatabase({ ...config.database, poolMax: 1 }, logger));
  const timeoutMs = Math.max(minSessionTimeoutMs, config.recovery.heartbeatTimeoutMs);
  const openSession = (onOpen: () => void): DatabaseSession =>
    new DatabaseSession(config.database, { timeoutMs, onOpen });
  const shared = { instance, runner, events };
  scope.use(await startRecovery({ ...shared, db: claimDb, openSession, logger, config: config.recovery }));
  const onProgress = (orderId: string): void => feed.wake(orderId);
  const operation = { db, config, ports, logger, events, onProgress };
  const operators = startOperators({ ...operation, claims: claimDb }, scope);
  scope.use(runner);
  return new OrderService({
    ...shared,
    operators,
    db,
    orders,
    catalog: ports.catalog,
    feed,
    clock,
    newId: uuidv7,
  });
}
