import { fingerprint, once, type Database, type Transaction } from '../postgres/index.js';
import { adjustmentRefusal, type AdjustmentRefusal, type StockLevel } from './domain.js';
import { isHeldByExpiredClaims } from './expiry-store.js';
import * as refusals from './refusals.js';
import { adjustLocked, createStock, lockStock, readStock, type Adjustment } from './stock-store.js';

/** What is kept with the request id: the level after, or before a refusal. */
interface AdjustmentRecord {
  readonly [key: string]: string | null;
  readonly refusal: AdjustmentRefusal | null;
  readonly onHand: string;
  readonly reserved: string;
  readonly revision: string;
  readonly updatedAt: string;
}

/** Undoes the transaction: expired claims hold what is short. */
class Held extends Error {}

/**
 * Changes `on_hand`, once for each request id; a refusal is kept too. `held`: expired claims have what
 * is short; nothing was changed.
 * @throws AppError STOCK_BELOW_RESERVED, STOCK_NOT_FOUND, REQUEST_ID_REUSED, VALIDATION_FAILED
 */
export async function adjustStock(
  db: Database,
  adjustment: Adjustment,
): Promise<{ level: StockLevel; isNew: boolean } | 'held'> {
  const { requestId, sku, delta, reason } = adjustment;
  const request = { scope: 'AdjustStock', requestId, fingerprint: fingerprint({ sku, delta, reason }) };
  try {
    const { response, replayed } = await db.transaction((tx) =>
      once(tx, request, () => changeLevel(tx, adjustment)),
    );
    return { level: levelOrRefusal(sku, response), isNew: !replayed };
  } catch (error) {
    if (error instanceof Held) return 'held';
    throw error;
  }
}

async function changeLevel(tx: Transaction, adjustment: Adjustment): Promise<AdjustmentRecord> {
  const { sku, delta } = adjustment;
  if (delta > 0n) await createStock(tx, sku);
  const [before] = await lockStock(tx, [sku]);
  const refusal = adjustmentRefusal(before, delta);
  if (refusal === 'STOCK_BELOW_RESERVED' && (await isHeldByExpiredClaims(tx, [sku]))) throw new Held();
  if (refusal) return record(refusal, before);
  await adjustLocked(tx, adjustment);
  const [after] = await readStock(tx, [sku]);
  return record(null, after);
}

function record(refusal: AdjustmentRefusal | null, level: StockLevel | undefined): AdjustmentRecord {
  return {
    refusal,
    onHand: String(level?.onHand ?? 0),
    reserved: String(level?.reserved ?? 0),
    revision: String(level?.revision ?? 0),
    updatedAt: level?.updatedAt.toISOString() ?? '',
  };
}

function levelOrRefusal(sku: string, kept: AdjustmentRecord): StockLevel {
  const level = {
    sku,
    onHand: BigInt(kept.onHand),
    reserved: BigInt(kept.reserved),
    revision: BigInt(kept.revision),
    updatedAt: new Date(kept.updatedAt),
  };
  switch (kept.refusal) {
    case null:
      return level;
    case 'STOCK_NOT_FOUND':
      throw refusals.stockNotFound([sku]);
    case 'STOCK_BELOW_RESERVED':
      throw refusals.stockBelowReserved(sku, level.onHand, level.reserved);
    case 'TOO_MUCH_STOCK':
      throw refusals.tooMuchStock(sku);
  }
}
