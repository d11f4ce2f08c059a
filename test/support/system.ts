import { catalogService } from '../../cmd/catalog-service/app.js';
import { inventoryService } from '../../cmd/inventory-service/app.js';
import { orderService } from '../../cmd/order-service/app.js';
import { paymentService } from '../../cmd/payment-service/app.js';
import type { ServiceName } from '../../cmd/dev/supervisor/protocol.js';
import { catalogMigrations } from '../../pkg/catalog/migrations.js';
import { inventoryMigrations } from '../../pkg/inventory/migrations.js';
import { orderMigrations } from '../../pkg/order/migrations.js';
import { paymentMigrations } from '../../pkg/payment/migrations.js';
import { CatalogServiceService, type Product } from '../../pkg/pb/catalog/v1/catalog.js';
import type { Money } from '../../pkg/pb/google/type/money.js';
import { InventoryServiceService } from '../../pkg/pb/inventory/v1/inventory.js';
import { OrderServiceService } from '../../pkg/pb/order/v1/order.js';
import { PaymentServiceService } from '../../pkg/pb/payment/v1/payment.js';
import { openDatabase, type Database, type MigrationSet } from '../../pkg/postgres/index.js';
import { createTestDatabase, testDatabaseConfig, type TestDatabase } from './postgres/test-database.js';
import type { RpcClient, RunningServer, ServiceDefinition, Transport } from '../../pkg/rpc/index.js';
import { loneClient } from './rpc/lone-client.js';
import { Scope, uuidv7 } from '../../pkg/runtime/index.js';
import { testSettings } from './test-settings.js';

/** The four services, started in this process as in production. Each service has its own database. */
export interface System {
  readonly order: RpcClient<typeof OrderServiceService>;
  readonly inventory: RpcClient<typeof InventoryServiceService>;
  readonly payment: RpcClient<typeof PaymentServiceService>;
  readonly catalog: RpcClient<typeof CatalogServiceService>;
  readonly inventoryAddress: string;
  /** `host:port` of a replica of each service. */
  readonly addresses: Readonly<Record<'order' | 'inventory' | 'payment' | 'catalog', string>>;
  /** Connection pool of the test on the database of the inventory service. */
  readonly inventoryDb: Database;
  /** Connection pools of the test on the databases of the services. */
  readonly databases: Readonly<Record<'order' | 'inventory' | 'payment', Database>>;
  /** Creates clients of the order service, each with its own connection. The clients use the replicas in turn. */
  buyers(count: number): RpcClient<typeof OrderServiceService>[];
  /** Creates a product and adds stock. */
  stock(product: { sku: string; quantity: bigint; currency?: string; units?: bigint }): Promise<void>;
  close(): Promise<void>;
}

export interface SystemOptions {
  /** Number of replicas of the order service. */
  readonly replicas?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** URLs of existing databases with the schema of the service. The other services get new databases. */
  readonly urls?: Readonly<Partial<Record<ServiceName, string>>>;
  /** Mutual TLS. */
  readonly tls?: {
    /** Returns the TLS settings of a service. */
    readonly variablesOf: (service: ServiceName) => Readonly<Record<string, string>>;
    /** Transport that all clients of the test use. */
    readonly transport: Transport;
  };
}

export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const { replicas = 1, env = {}, urls = {}, tls } = options;
  const scope = new Scope();
  const databases = new Map<MigrationSet, Database>();
  const environment = async (service: ServiceName, set: MigrationSet): Promise<Record<string, string>> => {
    const { url, db, drop } = await databaseAt(urls[service], set);
    scope.defer(drop);
    databases.set(set, db);
    return { ...testSettings, ...env, ...tls?.variablesOf(service), DATABASE_URL: url };
  };
  // Certificates contain host names, not addresses.
  const addressOf = ({ address, port }: RunningServer): string => (tls ? `localhost:${port}` : address);
  const catalogEnv = await environment('catalog-service', catalogMigrations);
  const inventoryEnv = await environment('inventory-service', inventoryMigrations);
  const paymentEnv = await environment('payment-service', paymentMigrations);
  const catalog = addressOf(await catalogService.start(catalogService.configure(catalogEnv), scope));
  const inventory = addressOf(await inventoryService.start(inventoryService.configure(inventoryEnv), scope));
  const payment = addressOf(await paymentService.start(paymentService.configure(paymentEnv), scope));
  const orderEnv = {
    ...(await environment('order-service', orderMigrations)),
    INVENTORY_SERVICE_ADDR: inventory,
    PAYMENT_SERVICE_ADDR: payment,
    CATALOG_SERVICE_ADDR: catalog,
  };
  const orders: string[] = [];
  for (let replica = 0; replica < replicas; replica += 1)
    orders.push(addressOf(await orderService.start(orderService.configure(orderEnv), scope)));

  const orderAt = (index: number): string => orders[index % orders.length] ?? '';
  const connect = <S extends ServiceDefinition>(definition: S, target: string): RpcClient<S> =>
    scope.use(loneClient(definition, target, tls ?? {}));
  const clients = {
    order: connect(OrderServiceService, orderAt(0)),
    inventory: connect(InventoryServiceService, inventory),
    payment: connect(PaymentServiceService, payment),
    catalog: connect(CatalogServiceService, catalog),
  };
  return {
    ...clients,
    inventoryAddress: inventory,
    addresses: { order: orderAt(0), inventory, payment, catalog },
    inventoryDb: databases.get(inventoryMigrations)!,
    databases: databasesOf(databases),
    buyers: (count) =>
      Array.from({ length: count }, (_, index) => connect(OrderServiceService, orderAt(index))),
    stock: (product) => addProduct(clients, product),
    close: () => scope.close(),
  };
}

/** Connects to an existing database, or creates a new one that `drop` removes. */
async function databaseAt(url: string | undefined, set: MigrationSet): Promise<TestDatabase> {
  if (url === undefined) return createTestDatabase(set);
  const db = await openDatabase(testDatabaseConfig(url), { warn: () => undefined });
  return { url, db, drop: () => db.close() };
}

function databasesOf(databases: ReadonlyMap<MigrationSet, Database>): System['databases'] {
  return {
    order: databases.get(orderMigrations)!,
    inventory: databases.get(inventoryMigrations)!,
    payment: databases.get(paymentMigrations)!,
  };
}

async function addProduct(
  { catalog, inventory }: Pick<System, 'catalog' | 'inventory'>,
  { sku, quantity, currency = 'USD', units = 4n }: Parameters<System['stock']>[0],
): Promise<void> {
  const product = newProduct(sku, { currencyCode: currency, units, nanos: 0 });
  await catalog.createProduct({ requestId: uuidv7(), product });
  await inventory.adjustStock({ requestId: uuidv7(), sku, delta: quantity, reason: 'delivery' });
}

function newProduct(sku: string, price: Money): Product {
  return {
    sku,
    name: `A ${sku}`,
    description: '',
    price,
    revision: 0n,
    createTime: undefined,
    updateTime: undefined,
  };
}
