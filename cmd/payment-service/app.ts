import {
  ChargeBatches,
  GatewayInbox,
  PaymentBatches,
  paymentConfig,
  paymentEvents,
  paymentGauges,
  paymentHandlers,
  paymentMetrics,
  paymentMigrations,
  PaymentService,
  paymentSettings,
  RefundService,
  SimulatedEvents,
  SimulatedGateway,
  type PaymentConfig,
} from '../../pkg/payment/index.js';
import type { BoundService } from '../../pkg/rpc/index.js';
import { everyLogged, FailureLogger, pause, uuidv7, type Scope } from '../../pkg/runtime/index.js';
import { defineService, type ServiceResources } from '../../pkg/service/index.js';

export const paymentService = defineService({
  name: 'payment-service',
  ports: { grpc: 50053, metrics: 9466 },
  settings: paymentSettings,
  configure: paymentConfig,
  migrations: paymentMigrations,
  hasIdempotencyKeys: false,
  build: buildPayment,
});

/** Interval at which the simulated gateway delivers its events. */
const eventIntervalMs = 250;
/** Interval at which the events of earlier days are deleted. */
const pruneIntervalMs = 600_000;

function buildPayment(resources: ServiceResources<PaymentConfig>, scope: Scope): BoundService {
  const { batching, config, db, gauges, telemetry } = resources;
  const { logger, metrics } = telemetry;
  paymentGauges(gauges);
  const events = paymentEvents(logger, paymentMetrics(metrics.registry));
  const gateway = new SimulatedGateway({
    db,
    charges: scope.use(new ChargeBatches(db, batching)),
    config: config.gateway,
    random: Math.random,
    wait: pause,
    newId: uuidv7,
  });
  const { times } = config;
  const batches = scope.use(new PaymentBatches(db, { batching, leaseMs: times.leaseMs }));
  const payments = new PaymentService({ db, batches, gateway, events, times });
  const refunds = new RefundService({ db, gateway, events, times });
  const failures = (kind: string): FailureLogger =>
    new FailureLogger(logger.child({ kind }), {
      failed: 'gateway operations still pending',
      recovered: 'pending gateway operations confirmed',
    });
  const { retryMs } = times;
  scope.use(everyLogged(retryMs, (signal) => payments.resolveDueIntents(signal), failures('authorization')));
  scope.use(everyLogged(retryMs, (signal) => refunds.finishDueRefunds(signal), failures('refund')));
  scope.use(everyLogged(retryMs, (signal) => payments.confirmDueVoids(signal), failures('void')));
  const inbox = new GatewayInbox({ db, events });
  const simulated = new SimulatedEvents({
    db,
    random: Math.random,
    newId: uuidv7,
    deliver: (event) => inbox.receive(event),
  });
  scope.use(everyLogged(eventIntervalMs, (signal) => simulated.deliverDue(signal), failures('event')));
  const prune = async (signal: AbortSignal): Promise<void> => {
    await inbox.prune(signal);
    await simulated.prune(signal);
  };
  const pruning = { failed: 'deletion of old events failed', recovered: 'deletion of old events recovered' };
  scope.use(everyLogged(pruneIntervalMs, prune, new FailureLogger(logger, pruning)));
  return paymentHandlers({ payments, refunds, newId: uuidv7 });
}
