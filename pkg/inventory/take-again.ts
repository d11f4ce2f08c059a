import type { Transaction } from '../postgres/index.js';
import { lockReservation, refuseCommit, withdrawAgain, type Attempted } from './commit-store.js';
import { shortagesOf } from './domain.js';
import { isHeldByExpiredClaims } from './expiry-store.js';
import { lockStock } from './stock-store.js';

/**
 * Commits a reservation that has given its stock back: takes all of it again, or refuses for good.
 * `held`: expired claims have what is short; nothing was changed.
 */
export async function takeAgain(tx: Transaction, id: string): Promise<Attempted | 'held' | undefined> {
  const reservation = await lockReservation(tx, id);
  if (reservation?.state !== 'EXPIRED' || reservation.shortages)
    return reservation && { reservation, changed: false };
  const { lines } = reservation;
  const levels = await lockStock(
    tx,
    lines.map(({ sku }) => sku),
  );
  const shortages = shortagesOf(lines, levels);
  if (shortages.length === 0) return { reservation: await withdrawAgain(tx, reservation), changed: true };
  const short = shortages.map(({ sku }) => sku);
  if (await isHeldByExpiredClaims(tx, short)) return 'held';
  return { reservation: await refuseCommit(tx, reservation, shortages), changed: false };
}
