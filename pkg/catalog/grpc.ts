import { annotateCall } from '../observability/index.js';
import { toWire } from '../money/index.js';
import {
  CatalogServiceService,
  ProductChangeKind,
  type Product as WireProduct,
  type ProductChange as WireChange,
} from '../pb/catalog/v1/catalog.js';
import { encodePageToken, handler, implement, type BoundService } from '../rpc/index.js';
import type { OperatorNote, Product, ProductChange } from './domain.js';
import {
  changeTokenAfter,
  pageFilter,
  parseBatchGetProducts,
  parseCreateProduct,
  parseDeleteProduct,
  parseGetProduct,
  parseListChanges,
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
      annotateChange(creation);
      return { product: toWireProduct(await catalog.createProduct(creation, context)) };
    }),
    updateProduct: handler(parseUpdateProduct, async (update, context) => {
      annotateChange(update);
      return { product: toWireProduct(await catalog.updateProduct(update, context)) };
    }),
    deleteProduct: handler(parseDeleteProduct, async (deletion, context) => {
      annotateChange(deletion);
      await catalog.deleteProduct(deletion, context);
      return {};
    }),
    listProductChanges: handler(parseListChanges, async (query, context) => {
      const changes = await catalog.listChanges(query, context);
      const page = changes.slice(0, query.size);
      const last = changes.length > query.size ? page.at(-1) : undefined;
      const nextPageToken = last ? changeTokenAfter(last.id, query) : '';
      return { changes: page.map(toWireChange), nextPageToken };
    }),
  });
}

function annotate(sku: string): void {
  annotateCall({ sku }, { 'catalog.sku': sku });
}

function annotateChange({ sku, note: { actor } }: { sku: string; note: OperatorNote }): void {
  annotate(sku);
  if (actor !== '') annotateCall({ actor });
}

const wireKinds: Readonly<Record<ProductChange['kind'], ProductChangeKind>> = {
  CREATE: ProductChangeKind.CREATE,
  UPDATE: ProductChangeKind.UPDATE,
  DELETE: ProductChangeKind.DELETE,
};

function toWireChange({ id, kind, price, changedAt, ...rest }: ProductChange): WireChange {
  return { ...rest, changeId: id, kind: wireKinds[kind], price: toWire(price), time: changedAt };
}

function toWireProduct({ price, createdAt, updatedAt, ...rest }: Product): WireProduct {
  return { ...rest, price: toWire(price), createTime: createdAt, updateTime: updatedAt };
}
