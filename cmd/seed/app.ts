import { demoProducts, type DemoProduct } from '../../pkg/catalog/demo-products.js';
import { isAppError } from '../../pkg/errors/index.js';
import { toWire } from '../../pkg/money/index.js';
import { CatalogServiceService } from '../../pkg/pb/catalog/v1/catalog.js';
import { InventoryServiceService, StockView } from '../../pkg/pb/inventory/v1/inventory.js';
import { createClient, openTransport, type RpcClient } from '../../pkg/rpc/index.js';
import { Scope } from '../../pkg/runtime/index.js';
import type { SeedConfig } from './config.js';
import { naming } from './naming.js';

export interface Seeded {
  readonly products: number;
}

type Catalog = RpcClient<typeof CatalogServiceService>;
type Inventory = RpcClient<typeof InventoryServiceService>;

/**
 * Puts the demo products on sale and on the shelf, over the public APIs: what is there already stays
 * as it is, and every call is keyed, so several may do it at once.
 * @throws AppError DEPENDENCY_UNAVAILABLE when a service cannot be reached
 */
export async function seedDemo(config: SeedConfig, onProgress: (message: string) => void): Promise<Seeded> {
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
      naming('catalog-service', config.catalog, putOnSale(catalog)),
      naming('inventory-service', config.inventory, putOnShelf(inventory)),
    ]);
    onProgress(`${demoProducts.length} demo products are on sale`);
    return { products: demoProducts.length };
  } finally {
    await scope.close();
  }
}

const skus = demoProducts.map(({ sku }) => sku);

async function putOnSale(catalog: Catalog): Promise<void> {
  const missing = new Set((await catalog.batchGetProducts({ skus })).missingSkus);
  const products = demoProducts.filter(({ sku }) => missing.has(sku));
  await Promise.all(products.map((product) => create(catalog, product)));
}

async function create(catalog: Catalog, { sku, name, description, price }: DemoProduct): Promise<void> {
  const computed = { revision: 0n, createTime: undefined, updateTime: undefined };
  const product = { sku, name, description, price: toWire(price), ...computed };
  // A product that somebody deleted keeps its SKU, and stays deleted.
  await catalog.createProduct({ requestId: `seed-${sku}`, product }).catch((error: unknown) => {
    if (!isAppError(error, 'PRODUCT_ALREADY_EXISTS')) throw error;
  });
}

async function putOnShelf(inventory: Inventory): Promise<void> {
  const { missingSkus } = await inventory.batchGetStock({ skus, view: StockView.BASIC });
  const missing = new Set(missingSkus);
  const products = demoProducts.filter(({ sku }) => missing.has(sku));
  await Promise.all(
    products.map(({ sku, onHand }) =>
      inventory.adjustStock({ requestId: `seed-${sku}`, sku, delta: onHand, reason: 'demo data' }),
    ),
  );
}
