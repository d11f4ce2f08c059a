/** Value of the label `status` of `inventory_reservations_total`. */
export type ReservationStatus = 'reserved' | 'refused' | 'committed' | 'released' | 'returned' | 'expired';

/** A change of a reservation or of stock that this process has committed. */
export type StockChange =
  | {
      readonly kind: 'reservation';
      readonly status: ReservationStatus;
      readonly reservationId: string;
      /**
       * SKUs of the reservation. For the status `refused`, only the SKUs with too little stock, where '' stands for a
       * SKU that was never stocked.
       */
      readonly skus: readonly string[];
    }
  | { readonly kind: 'adjustment'; readonly sku: string; readonly delta: bigint };

/** Callback for every committed change. */
export type ChangeListener = (change: StockChange) => void;

interface ChangeLogger {
  info(fields: object, message: string): void;
}

/** Logs one line per change. */
export function logChanges(logger: ChangeLogger): ChangeListener {
  return (change) => {
    if (change.kind === 'reservation') {
      const { status, reservationId, skus } = change;
      logger.info({ reservation_id: reservationId, status, sku_count: skus.length }, 'reservation changed');
    } else {
      logger.info({ sku: change.sku, delta: change.delta }, 'stock adjusted');
    }
  };
}
