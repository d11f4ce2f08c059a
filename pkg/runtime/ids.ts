import { randomFillSync } from 'node:crypto';

/** Creates unique ids. Tests replace the source. */
export type IdSource = () => string;

const pool = Buffer.allocUnsafe(10 * 256);
let used = pool.length;

/**
 * Creates a UUID version 7 (RFC 9562): 48 bits of Unix time in milliseconds, then random bits. Ids of
 * different milliseconds sort by creation time, so PostgreSQL adds new ids at the end of an index.
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

/** Returns the smallest UUID that sorts at the start of a millisecond among UUIDs version 7. Earlier than 1970 is 1970. */
export function firstUuidAt(time: Date): string {
  const hex = Math.max(0, time.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
}

/** Returns the creation time of a UUID version 7. */
export function timeOfUuidv7(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}
