import { AppError, isReason } from '../errors/index.js';
import { money } from '../money/index.js';
import type { Product } from './domain.js';

/** The answer to a mutation as it is kept with its key: the product after it, nothing, or a refusal. */
export type StoredAnswer =
  | { readonly product: StoredProduct | null }
  | { readonly refusal: { readonly reason: string; readonly message: string; readonly sku: string } };

// A type, not an interface: only those are known to have no other properties, as JSON demands.
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

export function storeProduct({ price, revision, createdAt, updatedAt, ...rest }: Product): StoredAnswer {
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

export function storeRefusal({ reason, message, metadata }: AppError): StoredAnswer {
  return { refusal: { reason, message, sku: metadata['sku'] ?? '' } };
}

/** @throws AppError for a stored refusal */
export function readAnswer(answer: StoredAnswer): Product | undefined {
  if ('refusal' in answer) throw toError(answer.refusal);
  if (!answer.product) return undefined;
  const { currency, minor, revision, createdAt, updatedAt, ...rest } = answer.product;
  return {
    ...rest,
    price: money(currency, BigInt(minor)),
    revision: BigInt(revision),
    createdAt: new Date(createdAt),
    updatedAt: new Date(updatedAt),
  };
}

function toError({ reason, message, sku }: { reason: string; message: string; sku: string }): AppError {
  return new AppError({ reason: isReason(reason) ? reason : 'INTERNAL', message, metadata: { sku } });
}
