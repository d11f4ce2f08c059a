import { startPayment } from '../../cmd/payment-service/app.js';
import { loadPaymentConfig } from '../../pkg/payment/config.js';
import { paymentMigrations } from '../../pkg/payment/migrations.js';
import { SimulatedGateway } from '../../pkg/payment/simulated-gateway.js';
import { PaymentServiceService } from '../../pkg/pb/payment/v1/payment.js';
import type { Database } from '../../pkg/postgres/index.js';
import { createTestDatabase } from '../../pkg/postgres/testing/test-database.js';
import type { RpcClient } from '../../pkg/rpc/index.js';
import { loneClient } from '../../pkg/rpc/testing/lone-client.js';
import { pause, Scope, uuidv7 } from '../../pkg/runtime/index.js';
import { quiet } from './quiet.js';

export type PaymentClient = RpcClient<typeof PaymentServiceService>;

export interface PaymentTestServer {
  readonly url: string;
  readonly db: Database;
  /** The gateway that the server uses, to be asked behind its back. */
  readonly gateway: SimulatedGateway;
  readonly client: PaymentClient;
  /** Clients with a connection each. */
  clients(count: number): PaymentClient[];
  /** One more replica over the same database. */
  addReplica(env?: Record<string, string>): Promise<PaymentClient>;
  close(): Promise<void>;
}

/** A payment service over a database of its own. */
export async function startPaymentServer(env: Record<string, string> = {}): Promise<PaymentTestServer> {
  const scope = new Scope();
  const database = await createTestDatabase(paymentMigrations);
  const { url, db } = database;
  scope.defer(() => database.drop());
  const addReplica = async (own: Record<string, string> = {}): Promise<string> => {
    const config = loadPaymentConfig({ ...quiet, DATABASE_URL: url, ...env, ...own });
    return (await startPayment(config, scope)).address;
  };
  const connect = (target: string): PaymentClient => scope.use(loneClient(PaymentServiceService, target));
  const address = await addReplica();
  return {
    url,
    db,
    gateway: gatewayOver(db),
    client: connect(address),
    clients: (count) => Array.from({ length: count }, () => connect(address)),
    addReplica: async (own) => connect(await addReplica(own)),
    close: () => scope.close(),
  };
}

/** A simulated gateway without failures, delays or latency. */
export function gatewayOver(db: Database): SimulatedGateway {
  return new SimulatedGateway({
    db,
    config: { failureRate: 0, slowDelayMs: 0, latencyMs: 0 },
    random: () => 1,
    wait: pause,
    newId: uuidv7,
  });
}
