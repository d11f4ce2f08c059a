import { AppError } from '../errors/index.js';

export function productNotFound(sku: string): AppError {
  return new AppError({
    reason: 'PRODUCT_NOT_FOUND',
    message: `there is no product ${sku}`,
    metadata: { sku },
  });
}

export function skuTaken(sku: string): AppError {
  return new AppError({
    reason: 'PRODUCT_ALREADY_EXISTS',
    message: `the SKU ${sku} is taken, perhaps by a deleted product`,
    metadata: { sku },
  });
}

export function changedMeanwhile(sku: string, expected: bigint, current: bigint): AppError {
  return new AppError({
    reason: 'CONFLICT',
    message: `product ${sku} is at revision ${current}, not ${expected}`,
    metadata: { sku, revision: String(current), expected_revision: String(expected) },
  });
}
