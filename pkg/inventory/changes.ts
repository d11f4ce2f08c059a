/** What happened to a claim, as in the label `status` of `inventory_reservations_total`. */
export type ClaimStatus = 'reserved' | 'refused' | 'committed' | 'released' | 'returned' | 'expired';

/** Something that this process has stored for good. */
export type StockChange =
  | {
      readonly kind: 'claim';
      readonly status: ClaimStatus;
      readonly reservationId: string;
      /** SKUs concerned; of a refusal those that are short. */
      readonly skus: readonly string[];
    }
  | { readonly kind: 'adjustment'; readonly sku: string; readonly delta: bigint };

/** Hears of every change, after it was committed. */
export type ChangeListener = (change: StockChange) => void;

interface ChangeLogger {
  info(fields: object, message: string): void;
}

/** One log line a change. */
export function logChanges(logger: ChangeLogger): ChangeListener {
  return (change) => {
    if (change.kind === 'claim') {
      const { status, reservationId, skus } = change;
      logger.info({ reservation_id: reservationId, status, sku_count: skus.length }, 'reservation changed');
    } else {
      logger.info({ sku: change.sku, delta: change.delta }, 'stock adjusted');
    }
  };
}
