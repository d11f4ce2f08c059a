import type { Product } from './domain.js';

/** Columns of a {@link ProductRow}, in every statement that returns one. */
export const productColumns =
  'sku, name, description, currency, price_minor, revision, created_at, updated_at';

export interface ProductRow {
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  readonly currency: string;
  readonly price_minor: bigint;
  readonly revision: bigint;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export function toProduct(row: ProductRow): Product {
  return {
    sku: row.sku,
    name: row.name,
    description: row.description,
    price: { currency: row.currency, minor: row.price_minor },
    revision: row.revision,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
