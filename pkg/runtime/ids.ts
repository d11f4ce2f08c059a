import { randomFillSync } from 'node:crypto';

/** Makes unique ids, passed in so that tests can foresee them. */
export type IdSource = () => string;

const pool = Buffer.allocUnsafe(10 * 256);
let used = pool.length;

/**
 * A UUID version 7 (RFC 9562): 48 bits of Unix time in milliseconds, then randomness, so that ids
 * made later sort later and new rows land at the end of an index.
 */
export const uuidv7: IdSource = () => {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + 10);
  used += 10;
  const hex = Date.now().toString(16).padStart(12, '0') + random.toString('hex');
  const variant = (8 + (Number.parseInt(hex.charAt(16), 16) & 3)).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

/** When a UUID version 7 was made, to the millisecond. */
export function timeOfUuidv7(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}
