import { AppError, isReason } from '../errors/index.js';
import { money } from '../money/index.js';
import type { Product } from './domain.js';

/**
 * Response of a mutation, stored with the idempotency key: the product after the change, null after a deletion, or
 * the error. Field names must not change, because stored responses have these names.
 */
export type ResponseSnapshot = { readonly product: StoredProduct | null } | { readonly refusal: StoredError };

// A type alias, because TypeScript does not accept an interface where JsonValue requires an index signature.
type StoredProduct = {
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  readonly currency: string;
  readonly minor: string;
  readonly revision: string;
  readonly createdAt: string;
  readonly updatedAt: string;
};

type StoredError = { readonly reason: string; readonly message: string; readonly sku: string };

export function snapshotProduct({
  price,
  revision,
  createdAt,
  updatedAt,
  ...rest
}: Product): ResponseSnapshot {
  return {
    product: {
      ...rest,
      currency: price.currency,
      minor: price.minor.toString(),
      revision: revision.toString(),
      createdAt: createdAt.toISOString(),
      updatedAt: updatedAt.toISOString(),
    },
  };
}

export function snapshotError({ reason, message, metadata }: AppError): ResponseSnapshot {
  return { refusal: { reason, message, sku: metadata['sku'] ?? '' } };
}

/**
 * Returns the stored product; undefined after a deletion.
 * @throws AppError if the stored response is an error
 */
export function restoreResponse(snapshot: ResponseSnapshot): Product | undefined {
  if ('refusal' in snapshot) throw restoreError(snapshot.refusal);
  if (!snapshot.product) return undefined;
  const { currency, minor, revision, createdAt, updatedAt, ...rest } = snapshot.product;
  return {
    ...rest,
    price: money(currency, BigInt(minor)),
    revision: BigInt(revision),
    createdAt: new Date(createdAt),
    updatedAt: new Date(updatedAt),
  };
}

function restoreError({ reason, message, sku }: StoredError): AppError {
  return new AppError({ reason: isReason(reason) ? reason : 'INTERNAL', message, metadata: { sku } });
}
