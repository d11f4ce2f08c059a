import { sql, type Queryable, type Transaction } from '../postgres/index.js';
import type { Product, ProductDetails } from './domain.js';

const columns = 'sku, name, description, currency, price_minor, revision, created_at, updated_at';

interface ProductRow {
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  readonly currency: string;
  readonly price_minor: bigint;
  readonly revision: bigint;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const find = sql(
  'catalog.find_products',
  `select ${columns} from products where sku = any ($skus::text[]) and deleted_at is null order by sku`,
);

/** Returns the existing products among `skus`, sorted by SKU. */
export async function findProducts(db: Queryable, skus: readonly string[]): Promise<Product[]> {
  return (await db.query<ProductRow>(find({ skus }))).map(toProduct);
}

const list = sql(
  'catalog.list_products',
  `select ${columns} from products where sku > $after and deleted_at is null order by sku limit $limit`,
);

/** Returns up to `limit` products after the SKU `after`, sorted by SKU; '' starts at the first SKU. */
export async function listProducts(db: Queryable, after: string, limit: number): Promise<Product[]> {
  return (await db.query<ProductRow>(list({ after, limit }))).map(toProduct);
}

const insert = sql(
  'catalog.insert_product',
  `insert into products (${columns}) values ($sku, $name, $description, $currency, $priceMinor, 1, now(), now())
   on conflict (sku) do nothing returning ${columns}`,
);

/** Returns undefined when a product with this SKU exists or has been deleted. */
export async function insertProduct(
  tx: Transaction,
  sku: string,
  details: ProductDetails,
): Promise<Product | undefined> {
  const [row] = await tx.query<ProductRow>(insert(parametersOf(sku, details)));
  return row && toProduct(row);
}

const lock = sql(
  'catalog.lock_product',
  `select ${columns} from products where sku = $sku and deleted_at is null for update`,
);

/** Locks the product until the transaction ends. */
export async function lockProduct(tx: Transaction, sku: string): Promise<Product | undefined> {
  const [row] = await tx.query<ProductRow>(lock({ sku }));
  return row && toProduct(row);
}

// now() is the start of the transaction. After a wait for a lock it may be earlier than the previous change of the
// product, so the statement uses clock_timestamp().
const update = sql(
  'catalog.update_product',
  `update products set name = $name, description = $description, currency = $currency,
     price_minor = $priceMinor, revision = revision + 1, updated_at = clock_timestamp()
   where sku = $sku and deleted_at is null returning ${columns}`,
);

/** Requires that the transaction has locked the product. */
export async function updateProduct(tx: Transaction, sku: string, details: ProductDetails): Promise<Product> {
  const [row] = await tx.query<ProductRow>(update(parametersOf(sku, details)));
  if (!row) throw new Error(`product ${sku} is not locked`);
  return toProduct(row);
}

const remove = sql(
  'catalog.delete_product',
  `update products set deleted_at = clock_timestamp() where sku = $sku and deleted_at is null returning ${columns}`,
);

/** Returns the deleted product; undefined when it does not exist. */
export async function deleteProduct(tx: Transaction, sku: string): Promise<Product | undefined> {
  const [row] = await tx.query<ProductRow>(remove({ sku }));
  return row && toProduct(row);
}

function parametersOf(sku: string, { name, description, price }: ProductDetails) {
  return { sku, name, description, currency: price.currency, priceMinor: price.minor };
}

function toProduct(row: ProductRow): Product {
  return {
    sku: row.sku,
    name: row.name,
    description: row.description,
    // The currency may have left ISO 4217 since; the product stays readable.
    price: { currency: row.currency, minor: row.price_minor },
    revision: row.revision,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
