import { createHash } from 'node:crypto';
import { AppError } from '../errors/index.js';

/**
 * Encodes an opaque keyset page token (AIP-158). The token contains a digest of the filter, so the token is valid only
 * in requests with the same filter.
 */
export function encodePageToken(key: readonly string[], filter: readonly string[]): string {
  return Buffer.from(JSON.stringify([digest(filter), ...key])).toString('base64url');
}

/**
 * @returns the last key of the previous page; undefined for an empty token, which requests the first page
 * @throws AppError INVALID_PAGE_TOKEN for a malformed token or a token of a request with another filter
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
    fields: [
      { field: 'page_token', description: 'must come from a response to a request with the same fields' },
    ],
  });
}

function digest(filter: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(filter)).digest('base64url').slice(0, 12);
}

/** Page sizes of all list methods. A requested size of 0 means `standard`; a size above `maximum` is invalid. */
export const pageSizes = { standard: 50, maximum: 1000 } as const;

export function pageSizeOf(requested: number): number {
  return requested === 0 ? pageSizes.standard : requested;
}
