import type { Money } from '../money/index.js';

/** The fields of a product that an update may change. */
export interface ProductDetails {
  readonly name: string;
  readonly description: string;
  /** Greater than zero. */
  readonly price: Money;
}

export interface Product extends ProductDetails {
  readonly sku: string;
  /** Starts at 1 and increases by one with every change. */
  readonly revision: bigint;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Note of an operator on a change; '' when there is none. */
export interface OperatorNote {
  readonly actor: string;
  readonly reason: string;
}

export interface ProductChange extends OperatorNote {
  /** Later changes have greater ids. */
  readonly id: bigint;
  readonly kind: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly sku: string;
  /** Revision, name and price after the change; of a deleted product, the last ones. */
  readonly revision: bigint;
  readonly name: string;
  readonly price: Money;
  readonly changedAt: Date;
}

export const updatableFields = ['name', 'description', 'price'] as const;
export type UpdatableField = (typeof updatableFields)[number];

export const limits = { name: 200, description: 2000, batch: 1000 } as const;

/** Returns a copy of `current` in which each of `fields` has its value from `changes`. */
export function withChanges(
  current: ProductDetails,
  changes: Partial<ProductDetails>,
  fields: readonly UpdatableField[],
): ProductDetails {
  const pick = <F extends UpdatableField>(field: F): ProductDetails[F] => {
    const value = fields.includes(field) ? changes[field] : undefined;
    return value ?? current[field];
  };
  return { name: pick('name'), description: pick('description'), price: pick('price') };
}
