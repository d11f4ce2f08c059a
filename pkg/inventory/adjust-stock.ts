import {
  fingerprint,
  withIdempotencyKey,
  type Transaction,
  type TransactionalQueryable,
} from '../postgres/index.js';
import { adjustmentError, type AdjustmentError, type StockLevel } from './domain.js';
import * as errors from './errors.js';
import { hasExpiredReservations } from './reservations/expiry-store.js';
import { reservedByExpired, type ReservedByExpired } from './reservations/store.js';
import { adjustLocked, createStock, lockStock, readStock, type Adjustment } from './stock-store.js';

/**
 * Result stored with the idempotency key: the level after the adjustment, or the level at which the adjustment was
 * rejected. Field names must not change, because stored results have these names.
 */
interface AdjustmentRecord {
  readonly [key: string]: string | null;
  readonly refusal: AdjustmentError | null;
  readonly onHand: string;
  readonly reserved: string;
  readonly revision: string;
  readonly updatedAt: string;
}

/** Thrown to roll back the transaction. The idempotency key is then not stored, so the adjustment can be repeated. */
class StockReservedByExpired extends Error {}

/**
 * Changes `on_hand` once per request id. The key is stored with the result, which may be a rejection.
 * @throws AppError STOCK_BELOW_RESERVED, STOCK_NOT_FOUND, REQUEST_ID_REUSED, VALIDATION_FAILED
 */
export async function adjustStock(
  db: TransactionalQueryable,
  adjustment: Adjustment,
): Promise<{ level: StockLevel; isNew: boolean } | ReservedByExpired> {
  const { requestId } = adjustment;
  const request = { scope: 'AdjustStock', requestId, fingerprint: fingerprintOf(adjustment) };
  try {
    const { response, replayed } = await db.transaction((tx) =>
      withIdempotencyKey(tx, request, () => changeLevel(tx, adjustment)),
    );
    return { level: levelOf(adjustment.sku, response), isNew: !replayed };
  } catch (error) {
    if (error instanceof StockReservedByExpired) return reservedByExpired;
    throw error;
  }
}

/** Without an actor, the fingerprint equals the fingerprints stored before adjustments had an actor. */
function fingerprintOf({ sku, delta, reason, actor }: Adjustment): Buffer {
  return fingerprint({ sku, delta, reason, ...(actor !== '' && { actor }) });
}

async function changeLevel(tx: Transaction, adjustment: Adjustment): Promise<AdjustmentRecord> {
  const { sku, delta } = adjustment;
  if (delta > 0n) await createStock(tx, sku);
  const [before] = await lockStock(tx, [sku]);
  const error = adjustmentError(before, delta);
  if (error === 'STOCK_BELOW_RESERVED' && (await hasExpiredReservations(tx, [sku])))
    throw new StockReservedByExpired();
  if (error) return record(error, before);
  await adjustLocked(tx, adjustment);
  const [after] = await readStock(tx, [sku]);
  return record(null, after);
}

function record(refusal: AdjustmentError | null, level: StockLevel | undefined): AdjustmentRecord {
  return {
    refusal,
    onHand: String(level?.onHand ?? 0),
    reserved: String(level?.reserved ?? 0),
    revision: String(level?.revision ?? 0),
    updatedAt: level?.updatedAt.toISOString() ?? '',
  };
}

/** @throws AppError for a stored rejection */
function levelOf(sku: string, stored: AdjustmentRecord): StockLevel {
  const level = {
    sku,
    onHand: BigInt(stored.onHand),
    reserved: BigInt(stored.reserved),
    revision: BigInt(stored.revision),
    updatedAt: new Date(stored.updatedAt),
  };
  switch (stored.refusal) {
    case null:
      return level;
    case 'STOCK_NOT_FOUND':
      throw errors.stockNotFound([sku]);
    case 'STOCK_BELOW_RESERVED':
      throw errors.stockBelowReserved(sku, level.onHand, level.reserved);
    case 'TOO_MUCH_STOCK':
      throw errors.tooMuchStock(sku);
  }
}
