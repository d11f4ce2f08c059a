import { annotateCall } from '../observability/index.js';
import { toWire } from '../money/index.js';
import { CatalogServiceService, type Product as WireProduct } from '../pb/catalog/v1/catalog.js';
import { encodePageToken, handler, implement, type BoundService } from '../rpc/index.js';
import type { Product } from './domain.js';
import {
  pageFilter,
  parseBatchGetProducts,
  parseCreateProduct,
  parseDeleteProduct,
  parseGetProduct,
  parseListProducts,
  parseUpdateProduct,
} from './grpc-parse.js';
import type { CatalogService } from './service.js';

/** Serves `catalog.v1.CatalogService`. */
export function catalogHandlers(catalog: CatalogService): BoundService {
  return implement(CatalogServiceService, {
    getProduct: handler(parseGetProduct, async (sku) => {
      annotate(sku);
      return { product: toWireProduct(await catalog.getProduct(sku)) };
    }),
    batchGetProducts: handler(parseBatchGetProducts, async (skus) => {
      annotateCall({ sku_count: skus.length }, { 'catalog.sku_count': skus.length });
      const products = await catalog.getProducts(skus);
      const found = new Set(products.map(({ sku }) => sku));
      const missingSkus = skus.filter((sku) => !found.has(sku)).toSorted();
      return { products: products.map(toWireProduct), missingSkus };
    }),
    listProducts: handler(parseListProducts, async ({ after, size }) => {
      const products = await catalog.listProducts(after, size + 1);
      const shown = products.slice(0, size);
      const last = products.length > size ? shown.at(-1) : undefined;
      const nextPageToken = last ? encodePageToken([last.sku], pageFilter) : '';
      return { products: shown.map(toWireProduct), nextPageToken };
    }),
    createProduct: handler(parseCreateProduct, async ({ requestId, sku, details }) => {
      annotate(sku);
      return { product: toWireProduct(await catalog.createProduct(requestId, sku, details)) };
    }),
    updateProduct: handler(parseUpdateProduct, async ({ requestId, update }) => {
      annotate(update.sku);
      return { product: toWireProduct(await catalog.updateProduct(requestId, update)) };
    }),
    deleteProduct: handler(parseDeleteProduct, async ({ requestId, sku }) => {
      annotate(sku);
      await catalog.deleteProduct(requestId, sku);
      return {};
    }),
  });
}

function annotate(sku: string): void {
  annotateCall({ sku }, { 'catalog.sku': sku });
}

function toWireProduct({ price, createdAt, updatedAt, ...rest }: Product): WireProduct {
  return { ...rest, price: toWire(price), createTime: createdAt, updateTime: updatedAt };
}
