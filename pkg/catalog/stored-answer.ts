import { AppError, isAppError, type Reason } from '../errors/index.js';
import type { Product } from './domain.js';

/**
 * The answer to a keyed request as it is kept with the key. Refusals too: what was refused once must
 * not succeed when it is repeated late.
 */
export type StoredAnswer =
  | { readonly kind: 'product'; readonly product: StoredProduct }
  | {
      readonly kind: 'refusal';
      readonly reason: Reason;
      readonly message: string;
      readonly metadata: Readonly<Record<string, string>>;
    };

/** bigint as digits, times in ISO 8601. */
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

export function toStored(outcome: Product | AppError): StoredAnswer {
  if (isAppError(outcome)) {
    const { reason, message, metadata } = outcome;
    return { kind: 'refusal', reason, message, metadata };
  }
  const { price, revision, createdAt, updatedAt, ...texts } = outcome;
  const product = {
    ...texts,
    currency: price.currency,
    minor: price.minor.toString(),
    revision: revision.toString(),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
  return { kind: 'product', product };
}

/** @throws AppError when it is a refusal */
export function fromStored(answer: StoredAnswer): Product {
  if (answer.kind === 'refusal') throw new AppError(answer);
  const { currency, minor, revision, createdAt, updatedAt, ...texts } = answer.product;
  return {
    ...texts,
    price: { currency, minor: BigInt(minor) },
    revision: BigInt(revision),
    createdAt: new Date(createdAt),
    updatedAt: new Date(updatedAt),
  };
}
