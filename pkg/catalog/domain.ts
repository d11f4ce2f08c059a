import type { Money } from '../money/index.js';

/** What a product is, besides its SKU. */
export interface ProductDetails {
  readonly name: string;
  /** May be empty. */
  readonly description: string;
  /** Greater than zero. */
  readonly price: Money;
}

export interface Product extends ProductDetails {
  readonly sku: string;
  /** From 1, one more with every change. */
  readonly revision: bigint;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const updatableFields = ['name', 'description', 'price'] as const;
export type UpdatableField = (typeof updatableFields)[number];

export const limits = { name: 200, description: 2000, batch: 1000 } as const;

/** The details after an update of some fields. */
export function withChanges(
  current: ProductDetails,
  wanted: Partial<ProductDetails>,
  fields: readonly UpdatableField[],
): ProductDetails {
  const pick = <F extends UpdatableField>(field: F): ProductDetails[F] => {
    const value = fields.includes(field) ? wanted[field] : undefined;
    return value ?? current[field];
  };
  return { name: pick('name'), description: pick('description'), price: pick('price') };
}
