import { startTelemetry } from '../../pkg/observability/index.js';
import type { PaymentConfig } from '../../pkg/payment/config.js';
import { paymentEvents } from '../../pkg/payment/events.js';
import { paymentHandlers } from '../../pkg/payment/grpc.js';
import { paymentGauges, paymentMetrics } from '../../pkg/payment/metrics.js';
import { paymentMigrations } from '../../pkg/payment/migrations.js';
import { RefundService } from '../../pkg/payment/refund-service.js';
import { PaymentService } from '../../pkg/payment/service.js';
import { SimulatedGateway } from '../../pkg/payment/simulated-gateway.js';
import {
  assertMigrated,
  DatabaseGauges,
  migrate,
  openDatabase,
  poolMetrics,
} from '../../pkg/postgres/index.js';
import { openTransport, serve, type RunningServer } from '../../pkg/rpc/index.js';
import { everyLogged, Outage, pause, uuidv7, type Scope } from '../../pkg/runtime/index.js';

/** Starts the payment service; what it opens is closed with `scope`. */
export async function startPayment(config: PaymentConfig, scope: Scope): Promise<RunningServer> {
  const telemetry = scope.use(await startTelemetry(config.telemetry));
  const transport = scope.use(await openTransport({ tls: config.tls, telemetry }));
  const { logger, metrics } = telemetry;
  const db = scope.use(await openDatabase(config.database, logger));
  await assertMigrated(db, paymentMigrations, 'node dist/cmd/payment-service/main.js --migrate');
  poolMetrics(db, telemetry.metrics.registry);
  paymentGauges(scope.use(new DatabaseGauges(config.database, telemetry)));
  const events = paymentEvents(logger, paymentMetrics(metrics.registry));
  const gateway = new SimulatedGateway({
    db,
    config: config.gateway,
    random: Math.random,
    wait: pause,
    newId: uuidv7,
  });
  const deps = { db, gateway, events, retryMs: config.resolveIntervalMs };
  const payments = new PaymentService(deps);
  const refunds = new RefundService(deps);
  const owed = (kind: string): Outage =>
    new Outage(logger.child({ kind }), {
      fails: 'the gateway still owes answers, asking again later',
      works: 'the gateway owes no answer that is due',
    });
  const askAgainMs = config.resolveIntervalMs;
  scope.use(everyLogged(askAgainMs, (signal) => refunds.finishDueRefunds(signal), owed('refund')));
  scope.use(everyLogged(askAgainMs, (signal) => payments.confirmDueVoids(signal), owed('void')));
  return scope.use(
    await serve({
      config: config.server,
      telemetry,
      transport,
      services: [paymentHandlers({ payments, refunds, newId: uuidv7 })],
      readiness: () => db.isReachable(1000),
    }),
  );
}

/** Brings the payment database to its schema; returns what was applied. */
export function migratePayment({ database }: PaymentConfig): Promise<string[]> {
  return migrate(database.url, paymentMigrations);
}
