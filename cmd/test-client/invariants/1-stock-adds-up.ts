import type { StockFacts } from './facts.js';
import { sum, violated, type Invariant } from './invariant.js';

export const stockAddsUp: Invariant = {
  number: 1,
  title: 'Stock on hand is the sum of its movements; reserved is within it, and zero at rest',
  check({ stock }) {
    return {
      figures: {
        skus: stock.length,
        on_hand: Number(sum(stock.map(({ level }) => level.onHand))),
        movements: Number(sum(stock.map(({ level }) => level.audit?.movementsSum ?? 0n))),
        reserved: Number(sum(stock.map(({ level }) => level.reserved))),
        open_reservations: Number(sum(stock.map(({ level }) => level.audit?.openReservationsSum ?? 0n))),
      },
      violations: stock.flatMap(broken),
    };
  },
};

function broken({ level }: StockFacts): string[] {
  const { sku, onHand, reserved, available, audit } = level;
  return violated(sku, {
    'the audit is missing': audit === undefined,
    [`on_hand ${onHand}, but movements ${audit?.movementsSum}`]: onHand !== audit?.movementsSum,
    [`reserved ${reserved} is not within 0 and on_hand ${onHand}`]: reserved < 0n || reserved > onHand,
    [`reserved ${reserved}, but open reservations ${audit?.openReservationsSum}`]:
      reserved !== audit?.openReservationsSum,
    [`available ${available} is not on_hand ${onHand} - reserved ${reserved}`]:
      available !== onHand - reserved,
    [`reserved ${reserved} though nothing is running`]: reserved !== 0n,
  });
}
