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

/** Handlers of `catalog.v1.CatalogService`. */
export function catalogHandlers(catalog: CatalogService): BoundService {
  return implement(CatalogServiceService, {
    getProduct: handler(parseGetProduct, async (sku, context) => {
      annotate(sku);
      return { product: toWireProduct(await catalog.getProduct(sku, context)) };
    }),
    batchGetProducts: handler(parseBatchGetProducts, async (skus, context) => {
      annotateCall({ sku_count: skus.length }, { 'catalog.sku_count': skus.length });
      const products = await catalog.getProducts(skus, context);
      const found = new Set(products.map(({ sku }) => sku));
      const missingSkus = skus.filter((sku) => !found.has(sku)).toSorted();
      return { products: products.map(toWireProduct), missingSkus };
    }),
    listProducts: handler(parseListProducts, async ({ after, size }, context) => {
      const products = await catalog.listProducts(after, size + 1, context);
      const page = products.slice(0, size);
      const last = products.length > size ? page.at(-1) : undefined;
      const nextPageToken = last ? encodePageToken([last.sku], pageFilter) : '';
      return { products: page.map(toWireProduct), nextPageToken };
    }),
    createProduct: handler(parseCreateProduct, async (creation, context) => {
      annotate(creation.sku);
      return { product: toWireProduct(await catalog.createProduct(creation, context)) };
    }),
    updateProduct: handler(parseUpdateProduct, async (update, context) => {
      annotate(update.sku);
      return { product: toWireProduct(await catalog.updateProduct(update, context)) };
    }),
    deleteProduct: handler(parseDeleteProduct, async ({ requestId, sku }, context) => {
      annotate(sku);
      await catalog.deleteProduct(requestId, sku, context);
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
