import { AppError, isAppError } from '../errors/index.js';
import { fingerprint, once, type Database, type Transaction } from '../postgres/index.js';
import { readAnswer, storeProduct, storeRefusal, type StoredAnswer } from './answer.js';
import { withChanges, type Product, type ProductDetails, type UpdatableField } from './domain.js';
import {
  deleteProduct,
  findProducts,
  insertProduct,
  listProducts,
  lockProduct,
  updateProduct,
} from './store.js';

export interface ProductUpdate {
  readonly sku: string;
  readonly wanted: Partial<ProductDetails>;
  readonly fields: readonly UpdatableField[];
  /** The revision that the caller has seen; 0: any. */
  readonly revision: bigint;
}

/** Products and their prices. Mutations are keyed: a repeat gets the first answer, also a refusal. */
export class CatalogService {
  readonly #db: Database;

  constructor({ db }: { readonly db: Database }) {
    this.#db = db;
  }

  /** @throws AppError PRODUCT_NOT_FOUND */
  async getProduct(sku: string): Promise<Product> {
    const [product] = await findProducts(this.#db, [sku]);
    if (!product) throw notFound(sku);
    return product;
  }

  /** Those of the SKUs that are on sale, in SKU order. */
  getProducts(skus: readonly string[]): Promise<Product[]> {
    return findProducts(this.#db, skus);
  }

  /** Up to `limit` products after the SKU `after` ('' is before all), in SKU order. */
  listProducts(after: string, limit: number): Promise<Product[]> {
    return listProducts(this.#db, after, limit);
  }

  /** @throws AppError PRODUCT_ALREADY_EXISTS, REQUEST_ID_REUSED */
  async createProduct(requestId: string, sku: string, details: ProductDetails): Promise<Product> {
    return required(
      await this.#keyed({ method: 'CreateProduct', requestId, body: { sku, ...details } }, async (tx) => {
        const product = await insertProduct(tx, sku, details);
        if (!product) throw alreadyExists(sku);
        return product;
      }),
    );
  }

  /** @throws AppError PRODUCT_NOT_FOUND, CONFLICT when the revision is no longer current, REQUEST_ID_REUSED */
  async updateProduct(requestId: string, update: ProductUpdate): Promise<Product> {
    const { sku, wanted, fields, revision } = update;
    const body = { sku, wanted, fields, revision };
    return required(
      await this.#keyed({ method: 'UpdateProduct', requestId, body }, async (tx) => {
        const current = await lockProduct(tx, sku);
        if (!current) throw notFound(sku);
        if (revision !== 0n && revision !== current.revision) throw outdated(sku);
        return updateProduct(tx, sku, withChanges(current, wanted, fields));
      }),
    );
  }

  /** @throws AppError PRODUCT_NOT_FOUND, REQUEST_ID_REUSED */
  async deleteProduct(requestId: string, sku: string): Promise<void> {
    await this.#keyed({ method: 'DeleteProduct', requestId, body: { sku } }, async (tx) => {
      if (!(await deleteProduct(tx, sku))) throw notFound(sku);
      return undefined;
    });
  }

  async #keyed(
    { method, requestId, body }: { method: string; requestId: string; body: object },
    work: (tx: Transaction) => Promise<Product | undefined>,
  ): Promise<Product | undefined> {
    const request = { scope: method, requestId, fingerprint: fingerprint({ ...body }) };
    const { response } = await this.#db.transaction((tx) =>
      once<StoredAnswer>(tx, request, () => settle(work(tx))),
    );
    return readAnswer(response);
  }
}

/** A refusal is an answer as well: were it thrown here, the key would be rolled back with it. */
async function settle(work: Promise<Product | undefined>): Promise<StoredAnswer> {
  try {
    const product = await work;
    return product ? storeProduct(product) : { product: null };
  } catch (error) {
    if (isAppError(error)) return storeRefusal(error);
    throw error;
  }
}

function required(product: Product | undefined): Product {
  if (!product) throw new Error('the answer holds no product');
  return product;
}

function notFound(sku: string): AppError {
  return new AppError({ reason: 'PRODUCT_NOT_FOUND', message: `no product ${sku}`, metadata: { sku } });
}

function alreadyExists(sku: string): AppError {
  return new AppError({
    reason: 'PRODUCT_ALREADY_EXISTS',
    message: `the SKU ${sku} is taken`,
    metadata: { sku },
  });
}

function outdated(sku: string): AppError {
  const message = `product ${sku} was changed since; read it again`;
  return new AppError({ reason: 'CONFLICT', message, metadata: { sku } });
}
