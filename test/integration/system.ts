import { startCatalog } from '../../cmd/catalog-service/app.js';
import { startInventory } from '../../cmd/inventory-service/app.js';
import { startOrder } from '../../cmd/order-service/app.js';
import { startPayment } from '../../cmd/payment-service/app.js';
import type { ServiceName } from '../../cmd/dev/protocol.js';
import { loadCatalogConfig } from '../../pkg/catalog/config.js';
import { catalogMigrations } from '../../pkg/catalog/migrations.js';
import { loadInventoryConfig } from '../../pkg/inventory/config.js';
import { inventoryMigrations } from '../../pkg/inventory/migrations.js';
import { loadOrderConfig } from '../../pkg/order/config.js';
import { orderMigrations } from '../../pkg/order/migrations.js';
import { loadPaymentConfig } from '../../pkg/payment/config.js';
import { paymentMigrations } from '../../pkg/payment/migrations.js';
import { CatalogServiceService } from '../../pkg/pb/catalog/v1/catalog.js';
import { InventoryServiceService } from '../../pkg/pb/inventory/v1/inventory.js';
import { OrderServiceService } from '../../pkg/pb/order/v1/order.js';
import { PaymentServiceService } from '../../pkg/pb/payment/v1/payment.js';
import type { Database, MigrationSet } from '../../pkg/postgres/index.js';
import { createTestDatabase } from '../../pkg/postgres/testing/test-database.js';
import type { RpcClient, RunningServer, ServiceDefinition, Transport } from '../../pkg/rpc/index.js';
import { loneClient } from '../../pkg/rpc/testing/lone-client.js';
import { Scope, uuidv7 } from '../../pkg/runtime/index.js';
import { quiet } from './quiet.js';

/** All four services in this process, as they are in production, over databases of their own. */
export interface System {
  readonly order: RpcClient<typeof OrderServiceService>;
  readonly inventory: RpcClient<typeof InventoryServiceService>;
  readonly payment: RpcClient<typeof PaymentServiceService>;
  readonly catalog: RpcClient<typeof CatalogServiceService>;
  /** Of the inventory service. */
  readonly inventoryAddress: string;
  /** The inventory service's database, on connections of its own. */
  readonly inventoryDb: Database;
  /** More clients of the order service, each on a connection of its own, spread over its replicas. */
  buyers(count: number): RpcClient<typeof OrderServiceService>[];
  /** Puts a product on sale and on the shelf. */
  stock(product: { sku: string; quantity: bigint; currency?: string; units?: bigint }): Promise<void>;
  close(): Promise<void>;
}

export interface SystemOptions {
  /** Replicas of the order service. */
  readonly replicas?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Mutual TLS. */
  readonly tls?: {
    /** The TLS settings of a service. */
    readonly variablesOf: (service: ServiceName) => Readonly<Record<string, string>>;
    /** Of all clients in the test. */
    readonly transport: Transport;
  };
}

export async function startSystem({ replicas = 1, env = {}, tls }: SystemOptions = {}): Promise<System> {
  const scope = new Scope();
  const databases = new Map<MigrationSet, Database>();
  const environment = async (service: ServiceName, set: MigrationSet): Promise<Record<string, string>> => {
    const { url, db, drop } = await createTestDatabase(set);
    scope.defer(drop);
    databases.set(set, db);
    return { ...quiet, ...env, ...tls?.variablesOf(service), DATABASE_URL: url };
  };
  // Certificates are for names.
  const addressOf = ({ address, port }: RunningServer): string => (tls ? `localhost:${port}` : address);
  const catalogEnv = await environment('catalog-service', catalogMigrations);
  const inventoryEnv = await environment('inventory-service', inventoryMigrations);
  const paymentEnv = await environment('payment-service', paymentMigrations);
  const catalog = addressOf(await startCatalog(loadCatalogConfig(catalogEnv), scope));
  const inventory = addressOf(await startInventory(loadInventoryConfig(inventoryEnv), scope));
  const payment = addressOf(await startPayment(loadPaymentConfig(paymentEnv), scope));
  const orderEnv = {
    ...(await environment('order-service', orderMigrations)),
    INVENTORY_SERVICE_ADDR: inventory,
    PAYMENT_SERVICE_ADDR: payment,
    CATALOG_SERVICE_ADDR: catalog,
  };
  const orders: string[] = [];
  for (let replica = 0; replica < replicas; replica += 1)
    orders.push(addressOf(await startOrder(loadOrderConfig(orderEnv), scope)));

  const connect = <S extends ServiceDefinition>(definition: S, target: string): RpcClient<S> =>
    scope.use(loneClient(definition, target, tls ?? {}));
  const clients = {
    order: connect(OrderServiceService, orders[0] ?? ''),
    inventory: connect(InventoryServiceService, inventory),
    payment: connect(PaymentServiceService, payment),
    catalog: connect(CatalogServiceService, catalog),
  };
  return {
    ...clients,
    inventoryAddress: inventory,
    inventoryDb: databases.get(inventoryMigrations)!,
    buyers: (count) =>
      Array.from({ length: count }, (_, index) =>
        connect(OrderServiceService, orders[index % orders.length] ?? ''),
      ),
    stock: async ({ sku, quantity, currency = 'USD', units = 4n }) => {
      const price = { currencyCode: currency, units, nanos: 0 };
      const product = {
        sku,
        name: `A ${sku}`,
        description: '',
        price,
        revision: 0n,
        createTime: undefined,
        updateTime: undefined,
      };
      await clients.catalog.createProduct({ requestId: uuidv7(), product });
      await clients.inventory.adjustStock({ requestId: uuidv7(), sku, delta: quantity, reason: 'delivery' });
    },
    close: () => scope.close(),
  };
}
