import { paymentService } from '../../../cmd/payment-service/app.js';
import type { RetryTimes } from '../../../pkg/payment/background.js';
import type { SimulatedGatewayConfig } from '../../../pkg/payment/config.js';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import { ChargeBatches } from '../../../pkg/payment/gateway/charge-batches.js';
import { SimulatedGateway } from '../../../pkg/payment/gateway/simulated-gateway.js';
import { PaymentServiceService } from '../../../pkg/pb/payment/v1/payment.js';
import type { Database } from '../../../pkg/postgres/index.js';
import { createTestDatabase } from '../../support/postgres/test-database.js';
import type { RpcClient } from '../../../pkg/rpc/index.js';
import { loneClient } from '../../support/rpc/lone-client.js';
import { pause, Scope, uuidv7 } from '../../../pkg/runtime/index.js';
import { testSettings } from '../../support/test-settings.js';

export type PaymentClient = RpcClient<typeof PaymentServiceService>;

export interface PaymentTestServer {
  readonly url: string;
  readonly db: Database;
  /** The gateway of the service, for calls that bypass the service. */
  readonly gateway: SimulatedGateway;
  readonly client: PaymentClient;
  /** Creates clients, each with its own connection. */
  clients(count: number): PaymentClient[];
  /** Starts another replica with the same database. */
  addReplica(env?: Record<string, string>): Promise<PaymentClient>;
  close(): Promise<void>;
}

/** Starts a payment service with a new database. */
export async function startPaymentServer(env: Record<string, string> = {}): Promise<PaymentTestServer> {
  const scope = new Scope();
  const database = await createTestDatabase(paymentMigrations);
  const { url, db } = database;
  scope.defer(() => database.drop());
  const addReplica = async (replicaEnv: Record<string, string> = {}): Promise<string> => {
    const config = paymentService.configure({ ...testSettings, DATABASE_URL: url, ...env, ...replicaEnv });
    return (await paymentService.start(config, scope)).address;
  };
  const connect = (target: string): PaymentClient => scope.use(loneClient(PaymentServiceService, target));
  const address = await addReplica();
  return {
    url,
    db,
    gateway: createGateway(db),
    client: connect(address),
    clients: (count) => Array.from({ length: count }, () => connect(address)),
    addReplica: async (replicaEnv) => connect(await addReplica(replicaEnv)),
    close: () => scope.close(),
  };
}

/** A gateway without failures, delays or latency. */
export const gatewayConfig: SimulatedGatewayConfig = {
  failureRate: 0,
  slowDelayMs: 0,
  latencyMs: 0,
  actionDelayMs: 0,
  actionTimeoutMs: 0,
  keyLifetimeMs: 24 * 60 * 60_000,
};

/** Failed attempts are due again immediately, and each test decides when the background work runs. */
export const retryTimes: RetryTimes = {
  retryMs: 0,
  leaseMs: 60_000,
  gatewayTimeoutMs: 60_000,
  abandonMs: 0,
};

/** A simulated gateway without failures, delays or latency. */
export function createGateway(db: Database, config: Partial<SimulatedGatewayConfig> = {}): SimulatedGateway {
  return new SimulatedGateway({
    db,
    charges: new ChargeBatches(db, { maxItems: 64 }),
    config: { ...gatewayConfig, ...config },
    random: () => 1,
    wait: pause,
    newId: uuidv7,
  });
}
