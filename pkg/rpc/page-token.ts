import { createHash } from 'node:crypto';
import { AppError } from '../errors/index.js';

/**
 * Keyset page tokens (AIP-158): opaque, and valid only with the filter they were made for, because
 * they carry a digest of it.
 */
export function encodePageToken(key: readonly string[], filter: readonly string[]): string {
  return Buffer.from(JSON.stringify([digest(filter), ...key])).toString('base64url');
}

/**
 * @returns the key after which the next page starts, undefined for the first page
 * @throws AppError INVALID_PAGE_TOKEN for a token that is malformed or was made for another filter
 */
export function decodePageToken(
  token: string,
  keyLength: number,
  filter: readonly string[],
): string[] | undefined {
  if (token === '') return undefined;
  const parts = parse(token);
  const isValid =
    Array.isArray(parts) &&
    parts.length === keyLength + 1 &&
    parts.every((part) => typeof part === 'string') &&
    parts[0] === digest(filter);
  if (!isValid) throw invalidToken();
  return parts.slice(1);
}

function parse(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

export function invalidToken(): AppError {
  return new AppError({
    reason: 'INVALID_PAGE_TOKEN',
    message: 'invalid page token',
    fields: [{ field: 'page_token', description: 'is not a token of a listing with equal fields' }],
  });
}

function digest(filter: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(filter)).digest('base64url').slice(0, 12);
}

/** Page size that a request asks for: 0 means `standard`; more than `maximum` is a violation. */
export const pageSizes = { standard: 50, maximum: 1000 } as const;

export function pageSizeOf(requested: number): number {
  return requested === 0 ? pageSizes.standard : requested;
}
