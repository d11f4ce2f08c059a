import { startOrders } from '../../cmd/order-service/orders.js';
import { startTelemetry, type Telemetry } from '../../pkg/observability/index.js';
import { loadOrderConfig, type OrderConfig } from '../../pkg/order/config.js';
import { orderHandlers } from '../../pkg/order/grpc.js';
import { orderMigrations } from '../../pkg/order/migrations.js';
import type { OrderService } from '../../pkg/order/service.js';
import { FakePorts } from '../../pkg/order/testing/fake-ports.js';
import {
  OrderServiceService,
  OrderState,
  type CreateOrderRequest,
  type Order,
} from '../../pkg/pb/order/v1/order.js';
import { openDatabase, sql, type Database } from '../../pkg/postgres/index.js';
import { createTestDatabase } from '../../pkg/postgres/testing/test-database.js';
import { serve, type CallOptions, type RpcClient } from '../../pkg/rpc/index.js';
import { allOf } from '../../pkg/rpc/testing/all-of.js';
import { loneClient } from '../../pkg/rpc/testing/lone-client.js';
import { Scope, uuidv7 } from '../../pkg/runtime/index.js';

export type OrderClient = RpcClient<typeof OrderServiceService>;
type Env = Readonly<Record<string, string>>;

export interface TestOrders {
  readonly client: OrderClient;
  /** The service's database, on connections of its own. */
  readonly db: Database;
  /** The other services, shared by all replicas. */
  readonly ports: FakePorts;
  /** `host:port` of the server. */
  readonly address: string;
  /** Everything that all replicas logged so far, line by line. */
  readonly logs: readonly string[];
  /** One more replica over the same database. */
  addReplica(env?: Env): Promise<OrderClient>;
  /** A server of any order business, closed with the rest. */
  serve(orders: OrderService): Promise<OrderClient>;
  close(): Promise<void>;
}

/** Settings with which nothing happens unless a test makes it happen. */
const quiet = {
  GRPC_PORT: '0',
  METRICS_PORT: '0',
  LOG_LEVEL: 'trace',
  SHUTDOWN_TIMEOUT: '1s',
  DATABASE_CONNECT_TIMEOUT: '20s',
  DATABASE_STATEMENT_TIMEOUT: '30s',
  SAGA_RETRY_BASE: '1ms',
  SAGA_RETRY_CAP: '10ms',
  HEARTBEAT_INTERVAL: '10s',
  HEARTBEAT_TIMEOUT: '60s',
  ORDER_WATCH_INTERVAL: '20ms',
};

/** The order service over gRPC on a free port, with a database of its own; the other services are fake. */
export async function startOrdersForTest(env: Env = {}): Promise<TestOrders> {
  const scope = new Scope();
  const { url, db, drop } = await createTestDatabase(orderMigrations);
  scope.defer(drop);
  const ports = new FakePorts();
  const logs: string[] = [];
  const start = async (own: Env = {}, orders?: OrderService): Promise<string> => {
    const config = loadOrderConfig({ ...quiet, DATABASE_URL: url, ...env, ...own });
    const destination = { write: (line: string): void => void logs.push(line) };
    const telemetry = scope.use(await startTelemetry(config.telemetry, destination));
    const served = orders ?? (await startReplica({ config, telemetry, ports }, scope));
    const services = [orderHandlers(served)];
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
    addReplica: async (own) => connect(await start(own)),
    serve: async (orders) => connect(await start({}, orders)),
    close: () => scope.close(),
  };
}

interface ReplicaDeps {
  readonly config: OrderConfig;
  readonly telemetry: Telemetry;
  readonly ports: FakePorts;
}

async function startReplica({ config, telemetry, ports }: ReplicaDeps, scope: Scope): Promise<OrderService> {
  const db = scope.use(await openDatabase(config.database, telemetry.logger));
  return startOrders({ config, telemetry, db, ports }, scope);
}

/** Rows of every table that a request may leave something in. */
export const countRows = sql(
  'test.count_order_rows',
  `select (select count(*) from orders) as orders, (select count(*) from order_lines) as lines,
     (select count(*) from order_timeline) as entries, (select count(*) from idempotency_keys) as keys`,
);

/** A request as a customer would send it, unless told otherwise. */
export function aCreate(given: Partial<CreateOrderRequest> = {}): CreateOrderRequest {
  return {
    requestId: uuidv7(),
    customerId: 'ada',
    items: [{ sku: 'espresso', quantity: 2n }],
    paymentMethod: 'pm_approve',
    ...given,
  };
}

/** Places an order and waits for its answer. */
export async function create(
  client: OrderClient,
  given: Partial<CreateOrderRequest> = {},
  options: CallOptions = {},
): Promise<Order> {
  const { order } = await client.createOrder(aCreate(given), options);
  if (!order) throw new Error('an answer without order');
  return order;
}

interface OrderRef {
  readonly orderId: string;
  readonly customerId: string;
}
/** Every method that names an order. */
export const methodsOfOneOrder: Readonly<
  Record<string, (client: OrderClient, ref: OrderRef) => Promise<unknown>>
> = {
  GetOrder: (client, ref) => client.getOrder(ref),
  GetOrderTimeline: (client, ref) => client.getOrderTimeline(ref),
  WatchOrder: (client, ref) => allOf(client.watchOrder({ ...ref, afterRevision: 0 })),
  CancelOrder: (client, ref) => client.cancelOrder({ ...ref, requestId: 'c-1', reason: 'why' }),
};

/** A request for every field of text of every method, which holds a mark to be found in the bytes. */
export function requestsWithMark() {
  const { createOrder, getOrder, getOrderTimeline, watchOrder, cancelOrder, listOrders } =
    OrderServiceService;
  const ref = { orderId: uuidv7(), customerId: '', afterRevision: 0, requestId: '', reason: '' };
  const page = { pageSize: 0, pageToken: '', customerId: '', state: OrderState.UNSPECIFIED };
  const ofRef = [getOrder, getOrderTimeline, watchOrder, cancelOrder].flatMap((method) => [
    [method, 'order_id', { ...ref, orderId: 'MARK' }] as const,
    [method, 'customer_id', { ...ref, customerId: 'MARK' }] as const,
  ]);
  return [
    [createOrder, 'request_id', aCreate({ requestId: 'MARK' })],
    [createOrder, 'customer_id', aCreate({ customerId: 'MARK' })],
    [createOrder, 'payment_method', aCreate({ paymentMethod: 'pm_MARK' })],
    [createOrder, 'items[0].sku', aCreate({ items: [{ sku: 'MARK', quantity: 1n }] })],
    ...ofRef,
    [cancelOrder, 'request_id', { ...ref, requestId: 'MARK' }],
    [cancelOrder, 'reason', { ...ref, reason: 'MARK' }],
    [listOrders, 'customer_id', { ...page, customerId: 'MARK' }],
    [listOrders, 'page_token', { ...page, pageToken: 'MARK' }],
  ] as const;
}
