import { createHash } from 'node:crypto';

/** JSON values, plus bigint (written as a string of digits) and undefined (omitted). */
export type Canonical =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Canonical[]
  | { readonly [key: string]: Canonical | undefined };

/** Returns a JSON text that is equal for equal values: keys are sorted and undefined values are omitted. */
export function canonicalJson(value: Canonical): string {
  return JSON.stringify(value, (_key, item: Canonical | undefined) => {
    if (typeof item === 'bigint') return item.toString();
    if (item === null || typeof item !== 'object' || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

const hashLength = 32;
/** The version that {@link fingerprint} computes, and the only version that this code can compare. */
const currentVersion = 1;

/**
 * Returns the fingerprint of a request, version 1: the SHA-256 hash of {@link canonicalJson}. A change of the fields or of
 * the algorithm needs a later version: one byte with the version before the hash.
 */
export function fingerprint(value: Canonical): Buffer {
  return createHash('sha256').update(canonicalJson(value)).digest();
}

function versionOf(stored: Buffer): number | undefined {
  return stored.length === hashLength ? currentVersion : stored[0];
}

/**
 * Whether a request equals the request of a stored fingerprint. A stored fingerprint of a later version shows nothing.
 * Then the stored fields decide: `haveEqualFields` compares what the row has, and without it the requests count as equal.
 */
export function isSameRequest(
  stored: Buffer,
  current: Buffer,
  haveEqualFields: () => boolean = () => true,
): boolean {
  return versionOf(stored) === currentVersion ? stored.equals(current) : haveEqualFields();
}
