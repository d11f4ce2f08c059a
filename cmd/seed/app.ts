import { demoProducts, type DemoProduct } from '../../pkg/catalog/index.js';
import { AppError, isAppError } from '../../pkg/errors/index.js';
import { toWire } from '../../pkg/money/index.js';
import { CatalogServiceService } from '../../pkg/pb/catalog/v1/catalog.js';
import { InventoryServiceService, StockView } from '../../pkg/pb/inventory/v1/inventory.js';
import { createClient, openTransport, type RpcClient } from '../../pkg/rpc/index.js';
import { Scope } from '../../pkg/runtime/index.js';
import type { SeedConfig } from './config.js';

export interface SeedResult {
  readonly products: number;
}

type Catalog = RpcClient<typeof CatalogServiceService>;
type Inventory = RpcClient<typeof InventoryServiceService>;

/**
 * Creates the demo products and their stock over the public API. Existing products and stock stay unchanged, and
 * every call has an idempotency key: concurrent and repeated runs are safe.
 * @throws AppError DEPENDENCY_UNAVAILABLE when a service is unreachable
 */
export async function seedDemo(
  config: SeedConfig,
  onProgress: (message: string) => void,
): Promise<SeedResult> {
  const scope = new Scope();
  try {
    const transport = scope.use(await openTransport({ tls: config.tls }));
    const options = { transport, timeoutMs: 10_000, retry: true };
    const catalog = scope.use(
      createClient(CatalogServiceService, { ...options, name: 'catalog-service', target: config.catalog }),
    );
    const inventory = scope.use(
      createClient(InventoryServiceService, {
        ...options,
        name: 'inventory-service',
        target: config.inventory,
      }),
    );
    await Promise.all([
      withServiceName('catalog-service', config.catalog, createProducts(catalog)),
      withServiceName('inventory-service', config.inventory, addStock(inventory)),
    ]);
    onProgress(`${demoProducts.length} demo products are in the catalog and in stock`);
    return { products: demoProducts.length };
  } finally {
    await scope.close();
  }
}

const skus = demoProducts.map(({ sku }) => sku);

async function createProducts(catalog: Catalog): Promise<void> {
  const missing = new Set((await catalog.batchGetProducts({ skus })).missingSkus);
  const products = demoProducts.filter(({ sku }) => missing.has(sku));
  await Promise.all(products.map((product) => createProduct(catalog, product)));
}

async function createProduct(
  catalog: Catalog,
  { sku, name, description, price }: DemoProduct,
): Promise<void> {
  const outputOnly = { revision: 0n, createTime: undefined, updateTime: undefined };
  const product = { sku, name, description, price: toWire(price), ...outputOnly };
  // A deleted product keeps its SKU and stays deleted.
  await catalog.createProduct({ requestId: `seed-${sku}`, product }).catch((error: unknown) => {
    if (!isAppError(error, 'PRODUCT_ALREADY_EXISTS')) throw error;
  });
}

async function addStock(inventory: Inventory): Promise<void> {
  const { missingSkus } = await inventory.batchGetStock({ skus, view: StockView.BASIC });
  const missing = new Set(missingSkus);
  const products = demoProducts.filter(({ sku }) => missing.has(sku));
  await Promise.all(
    products.map(({ sku, onHand }) =>
      inventory.adjustStock({ requestId: `seed-${sku}`, sku, delta: onHand, reason: 'demo data' }),
    ),
  );
}

/** @throws AppError DEPENDENCY_UNAVAILABLE with the name and address of the service in its message */
async function withServiceName(service: string, address: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isAppError(error, 'DEPENDENCY_UNAVAILABLE')) throw error;
    const message = `${service} at ${address} is unreachable`;
    throw new AppError({ reason: error.reason, message, cause: error });
  }
}
