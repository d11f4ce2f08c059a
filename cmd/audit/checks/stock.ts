import type { StockLevel } from '../../../pkg/pb/inventory/v1/inventory.js';
import { violationsOf } from './violations.js';

/** Invariant 1: the level of one SKU equals the sums of its records. */
export function stockViolations({ onHand, reserved, available, audit }: StockLevel): string[] {
  return violationsOf({
    'the audit is missing': audit === undefined,
    [`on_hand ${onHand} differs from movements ${audit?.movementsSum}`]: onHand !== audit?.movementsSum,
    [`reserved ${reserved} is not between 0 and on_hand ${onHand}`]: reserved < 0n || reserved > onHand,
    [`reserved ${reserved} differs from open reservations ${audit?.openReservationsSum}`]:
      reserved !== audit?.openReservationsSum,
    [`available ${available} is not on_hand ${onHand} - reserved ${reserved}`]:
      available !== onHand - reserved,
  });
}
