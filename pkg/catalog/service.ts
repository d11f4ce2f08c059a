import { AppError, isAppError } from '../errors/index.js';
import { fingerprint, withIdempotencyKey, type Database, type Transaction } from '../postgres/index.js';
import type { CallOptions } from '../rpc/index.js';
import { listChanges, recordChange, type ChangeQuery } from './change-store.js';
import {
  withChanges,
  type OperatorNote,
  type Product,
  type ProductChange,
  type ProductDetails,
  type UpdatableField,
} from './domain.js';
import {
  restoreResponse,
  snapshotError,
  snapshotProduct,
  type ResponseSnapshot,
} from './response-snapshot.js';
import {
  deleteProduct,
  findProducts,
  insertProduct,
  listProducts,
  lockProduct,
  updateProduct,
} from './store.js';

export interface ProductCreation {
  readonly requestId: string;
  readonly sku: string;
  readonly details: ProductDetails;
  readonly note: OperatorNote;
}

export interface ProductUpdate {
  readonly requestId: string;
  readonly sku: string;
  readonly changes: Partial<ProductDetails>;
  readonly fields: readonly UpdatableField[];
  /** Expected revision (optimistic lock); 0 accepts every revision. */
  readonly revision: bigint;
  readonly note: OperatorNote;
}

export interface ProductDeletion {
  readonly requestId: string;
  readonly sku: string;
  readonly note: OperatorNote;
}

interface KeyedMutation {
  readonly method: string;
  readonly requestId: string;
  readonly body: object;
  readonly options: CallOptions;
}

/**
 * Products, their prices and the history of their changes. A mutation with a known request id returns the stored response
 * or error. The note of an operator is not part of what makes requests equal.
 */
export class CatalogService {
  readonly #db: Database;

  constructor({ db }: { readonly db: Database }) {
    this.#db = db;
  }

  /** @throws AppError PRODUCT_NOT_FOUND */
  async getProduct(sku: string, options: CallOptions): Promise<Product> {
    const [product] = await findProducts(this.#db.within(options), [sku]);
    if (!product) throw notFound(sku);
    return product;
  }

  /** Returns the existing products among `skus`, sorted by SKU. */
  getProducts(skus: readonly string[], options: CallOptions): Promise<Product[]> {
    return findProducts(this.#db.within(options), skus);
  }

  /** Returns up to `limit` products after the SKU `after`, sorted by SKU; '' starts at the first SKU. */
  listProducts(after: string, limit: number, options: CallOptions): Promise<Product[]> {
    return listProducts(this.#db.within(options), after, limit);
  }

  /** Returns up to `size` + 1 changes, oldest first. */
  listChanges(query: ChangeQuery, options: CallOptions): Promise<ProductChange[]> {
    return listChanges(this.#db.within(options), query, query.size + 1);
  }

  /** @throws AppError PRODUCT_ALREADY_EXISTS, REQUEST_ID_REUSED */
  async createProduct(
    { requestId, sku, details, note }: ProductCreation,
    options: CallOptions,
  ): Promise<Product> {
    const request = { method: 'CreateProduct', requestId, body: { sku, ...details }, options };
    return required(
      await this.#runOnce(request, async (tx) => {
        const product = await insertProduct(tx, sku, details);
        if (!product) throw alreadyExists(sku);
        await recordChange(tx, 'CREATE', product, note);
        return product;
      }),
    );
  }

  /** @throws AppError PRODUCT_NOT_FOUND, REQUEST_ID_REUSED, or CONFLICT when the revision is no longer current */
  async updateProduct(
    { requestId, sku, changes, fields, revision, note }: ProductUpdate,
    options: CallOptions,
  ): Promise<Product> {
    // Property names must not change, because they are part of the stored fingerprint.
    const body = { sku, wanted: changes, fields, revision };
    return required(
      await this.#runOnce({ method: 'UpdateProduct', requestId, body, options }, async (tx) => {
        const current = await lockProduct(tx, sku);
        if (!current) throw notFound(sku);
        if (revision !== 0n && revision !== current.revision) throw outdated(sku);
        const product = await updateProduct(tx, sku, withChanges(current, changes, fields));
        await recordChange(tx, 'UPDATE', product, note);
        return product;
      }),
    );
  }

  /** @throws AppError PRODUCT_NOT_FOUND, REQUEST_ID_REUSED */
  async deleteProduct({ requestId, sku, note }: ProductDeletion, options: CallOptions): Promise<void> {
    await this.#runOnce({ method: 'DeleteProduct', requestId, body: { sku }, options }, async (tx) => {
      const product = await deleteProduct(tx, sku);
      if (!product) throw notFound(sku);
      await recordChange(tx, 'DELETE', product, note);
      return undefined;
    });
  }

  async #runOnce(
    { method, requestId, body, options }: KeyedMutation,
    work: (tx: Transaction) => Promise<Product | undefined>,
  ): Promise<Product | undefined> {
    const request = { scope: method, requestId, fingerprint: fingerprint({ ...body }) };
    const { response } = await this.#db
      .within(options)
      .transaction((tx) => withIdempotencyKey<ResponseSnapshot>(tx, request, () => snapshot(work(tx))));
    return restoreResponse(response);
  }
}

/** Converts an AppError to a snapshot, because a thrown error would roll back the idempotency key. */
async function snapshot(work: Promise<Product | undefined>): Promise<ResponseSnapshot> {
  try {
    const product = await work;
    return product ? snapshotProduct(product) : { product: null };
  } catch (error) {
    if (isAppError(error)) return snapshotError(error);
    throw error;
  }
}

function required(product: Product | undefined): Product {
  if (!product) throw new Error('the response has no product');
  return product;
}

function notFound(sku: string): AppError {
  return new AppError({
    reason: 'PRODUCT_NOT_FOUND',
    message: `product ${sku} does not exist`,
    metadata: { sku },
  });
}

function alreadyExists(sku: string): AppError {
  return new AppError({
    reason: 'PRODUCT_ALREADY_EXISTS',
    message: `a product with the SKU ${sku} already exists`,
    metadata: { sku },
  });
}

function outdated(sku: string): AppError {
  const message = `product ${sku} has changed; read the product again`;
  return new AppError({ reason: 'CONFLICT', message, metadata: { sku } });
}
