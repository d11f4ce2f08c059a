import { money } from '../money/index.js';
import { sql, type Queryable, type Transaction } from '../postgres/index.js';
import type { Product, ProductDetails } from './domain.js';

const columns = 'sku, name, description, currency, price_minor, revision, created_at, updated_at';

interface ProductRow {
  sku: string;
  name: string;
  description: string;
  currency: string;
  price_minor: bigint;
  revision: bigint;
  created_at: Date;
  updated_at: Date;
}

function toProduct(row: ProductRow): Product {
  return {
    sku: row.sku,
    name: row.name,
    description: row.description,
    price: money(row.currency, row.price_minor),
    revision: row.revision,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

const find = sql(
  'catalog.find_products',
  `select ${columns} from products where sku = any ($1::text[]) and deleted_at is null order by sku`,
);

/** Those of the SKUs that are on sale, in SKU order. */
export async function findProducts(db: Queryable, skus: readonly string[]): Promise<Product[]> {
  return (await db.query<ProductRow>(find, [skus])).map(toProduct);
}

const list = sql(
  'catalog.list_products',
  `select ${columns} from products where sku > $1 and deleted_at is null order by sku limit $2`,
);

/** Up to `limit` products after the SKU `after` ('' is before all), in SKU order. */
export async function listProducts(db: Queryable, after: string, limit: number): Promise<Product[]> {
  return (await db.query<ProductRow>(list, [after, limit])).map(toProduct);
}

const insert = sql(
  'catalog.insert_product',
  `insert into products (${columns}) values ($1, $2, $3, $4, $5, 1, now(), now())
   on conflict (sku) do nothing returning ${columns}`,
);

/** Undefined when the SKU is taken, also by a deleted product. */
export async function insertProduct(
  tx: Transaction,
  sku: string,
  { name, description, price }: ProductDetails,
): Promise<Product | undefined> {
  const [row] = await tx.query<ProductRow>(insert, [sku, name, description, price.currency, price.minor]);
  return row && toProduct(row);
}

const lock = sql(
  'catalog.lock_product',
  `select ${columns} from products where sku = $1 and deleted_at is null for update`,
);

/** The product, held until the transaction ends. */
export async function lockProduct(tx: Transaction, sku: string): Promise<Product | undefined> {
  const [row] = await tx.query<ProductRow>(lock, [sku]);
  return row && toProduct(row);
}

// Not now(): a transaction that waited for the row began before the change it waited for.
const update = sql(
  'catalog.update_product',
  `update products set name = $2, description = $3, currency = $4, price_minor = $5, revision = revision + 1,
     updated_at = clock_timestamp()
   where sku = $1 and deleted_at is null returning ${columns}`,
);

/** Changes a product that the transaction holds. */
export async function updateProduct(
  tx: Transaction,
  sku: string,
  { name, description, price }: ProductDetails,
): Promise<Product> {
  const [row] = await tx.query<ProductRow>(update, [sku, name, description, price.currency, price.minor]);
  if (!row) throw new Error(`product ${sku} is not held`);
  return toProduct(row);
}

const remove = sql(
  'catalog.delete_product',
  'update products set deleted_at = clock_timestamp() where sku = $1 and deleted_at is null returning sku',
);

/** False when there is no such product. */
export async function deleteProduct(tx: Transaction, sku: string): Promise<boolean> {
  return (await tx.query(remove, [sku])).length > 0;
}
