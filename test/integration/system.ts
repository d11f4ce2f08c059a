import { startCatalog } from '../../cmd/catalog-service/app.js';
import { startInventory } from '../../cmd/inventory-service/app.js';
import { startOrder } from '../../cmd/order-service/app.js';
import { startPayment } from '../../cmd/payment-service/app.js';
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
import type { RpcClient, ServiceDefinition } from '../../pkg/rpc/index.js';
import { loneClient } from '../../pkg/rpc/testing/lone-client.js';
import { Scope, uuidv7 } from '../../pkg/runtime/index.js';
import { quiet } from './quiet.js';

/** All four services in this process, as they are in production, over databases of their own. */
export interface System {
  readonly order: RpcClient<typeof OrderServiceService>;
  readonly inventory: RpcClient<typeof InventoryServiceService>;
  readonly payment: RpcClient<typeof PaymentServiceService>;
  readonly catalog: RpcClient<typeof CatalogServiceService>;
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
}

export async function startSystem({ replicas = 1, env = {} }: SystemOptions = {}): Promise<System> {
  const scope = new Scope();
  const databases = new Map<MigrationSet, Database>();
  const databaseFor = async (set: MigrationSet): Promise<Record<string, string>> => {
    const { url, db, drop } = await createTestDatabase(set);
    scope.defer(drop);
    databases.set(set, db);
    return { ...quiet, ...env, DATABASE_URL: url };
  };
  const catalog = await startCatalog(loadCatalogConfig(await databaseFor(catalogMigrations)), scope);
  const inventory = await startInventory(loadInventoryConfig(await databaseFor(inventoryMigrations)), scope);
  const payment = await startPayment(loadPaymentConfig(await databaseFor(paymentMigrations)), scope);
  const orderEnv = {
    ...(await databaseFor(orderMigrations)),
    INVENTORY_SERVICE_ADDR: inventory.address,
    PAYMENT_SERVICE_ADDR: payment.address,
    CATALOG_SERVICE_ADDR: catalog.address,
  };
  const orders: string[] = [];
  for (let replica = 0; replica < replicas; replica += 1)
    orders.push((await startOrder(loadOrderConfig(orderEnv), scope)).address);

  const connect = <S extends ServiceDefinition>(definition: S, target: string): RpcClient<S> =>
    scope.use(loneClient(definition, target));
  const clients = {
    order: connect(OrderServiceService, orders[0] ?? ''),
    inventory: connect(InventoryServiceService, inventory.address),
    payment: connect(PaymentServiceService, payment.address),
    catalog: connect(CatalogServiceService, catalog.address),
  };
  return {
    ...clients,
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
