import { orderService } from '../../../cmd/order-service/app.js';
import { startOrders } from '../../../cmd/order-service/orders.js';
import { startTelemetry } from '../../../pkg/observability/index.js';
import { orderHandlers } from '../../../pkg/order/grpc.js';
import { orderMigrations } from '../../../pkg/order/migrations.js';
import type { OrderService } from '../../../pkg/order/service.js';
import { anOrderRequest } from '../../../pkg/order/testing/builders.js';
import { FakePorts } from '../../../pkg/order/testing/fake-ports.js';
import { OrderServiceService, type CreateOrderRequest, type Order } from '../../../pkg/pb/order/v1/order.js';
import { DatabaseGauges, openDatabase, sql, type Database } from '../../../pkg/postgres/index.js';
import { serve, type CallOptions, type RpcClient } from '../../../pkg/rpc/index.js';
import { Scope } from '../../../pkg/runtime/index.js';
import { createTestDatabase } from '../postgres/test-database.js';
import { loneClient } from '../rpc/lone-client.js';
import { withoutRecovery, type Env } from './replica.js';

export type OrderClient = RpcClient<typeof OrderServiceService>;

export interface TestOrderServer {
  readonly client: OrderClient;
  /** The database of the service, with a separate connection pool. */
  readonly db: Database;
  /** Fakes of the other services, shared by all replicas. */
  readonly ports: FakePorts;
  /** `host:port` of the server. */
  readonly address: string;
  /** Log lines of all replicas. */
  readonly logs: readonly string[];
  /** Starts another replica with the same database. */
  addReplica(env?: Env): Promise<OrderClient>;
  /** Starts a server for another OrderService. `close` also closes this server. */
  serve(orders: OrderService): Promise<OrderClient>;
  close(): Promise<void>;
}

/** Starts the order service with gRPC on a free port, a new database, and fakes of the other services. */
export async function startOrderServer(env: Env = {}): Promise<TestOrderServer> {
  const scope = new Scope();
  const { url, db, drop } = await createTestDatabase(orderMigrations);
  scope.defer(drop);
  const ports = new FakePorts();
  const logs: string[] = [];
  const settings = { ...withoutRecovery, LOG_LEVEL: 'trace', SHUTDOWN_TIMEOUT: '1s', DATABASE_URL: url };
  const start = async (replicaEnv: Env = {}, ownOrders?: OrderService): Promise<string> => {
    const config = orderService.configure({ ...settings, ...env, ...replicaEnv });
    const destination = { write: (line: string): void => void logs.push(line) };
    const telemetry = scope.use(await startTelemetry(config.telemetry, destination));
    const startBusiness = async (): Promise<OrderService> => {
      const serviceDb = scope.use(await openDatabase(config.database, telemetry.logger));
      const gauges = scope.use(new DatabaseGauges(config.database, telemetry));
      const batching = { maxItems: config.batchMax };
      return startOrders({ config, telemetry, db: serviceDb, gauges, ports, batching }, scope);
    };
    const services = [orderHandlers(ownOrders ?? (await startBusiness()))];
    const readiness = async (): Promise<boolean> => true;
    return scope.use(await serve({ config: config.server, telemetry, services, readiness })).address;
  };
  const connect = (target: string): OrderClient => scope.use(loneClient(OrderServiceService, target));
  const address = await start();
  return {
    client: connect(address),
    db,
    ports,
    address,
    logs,
    addReplica: async (replicaEnv) => connect(await start(replicaEnv)),
    serve: async (orders) => connect(await start({}, orders)),
    close: () => scope.close(),
  };
}

/** Counts the rows of every table that a request may write. */
export const countRows = sql(
  'test.count_order_rows',
  `select (select count(*) from orders) as orders, (select count(*) from order_lines) as lines,
     (select count(*) from order_timeline) as entries, (select count(*) from idempotency_keys) as keys`,
);

/** Calls CreateOrder and returns the order in the response. */
export async function createOrder(
  client: OrderClient,
  overrides: Partial<CreateOrderRequest> = {},
  options: CallOptions = {},
): Promise<Order> {
  const { order } = await client.createOrder(anOrderRequest(overrides), options);
  if (!order) throw new Error('the response has no order');
  return order;
}
