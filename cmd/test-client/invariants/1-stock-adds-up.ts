import { stockViolations } from '../../audit/checks/stock.js';
import { sum } from '../../audit/checks/violations.js';
import type { StockFacts } from './facts.js';
import { about, violated, type Invariant } from './invariant.js';

export const stockAddsUp: Invariant = {
  number: 1,
  title:
    'Stock on hand is the sum of its movements; reserved stock does not exceed stock on hand and is zero when all orders are terminal',
  check({ stock }) {
    return {
      figures: {
        skus: stock.length,
        on_hand: Number(sum(stock.map(({ level }) => level.onHand))),
        movements: Number(sum(stock.map(({ level }) => level.audit?.movementsSum ?? 0n))),
        reserved: Number(sum(stock.map(({ level }) => level.reserved))),
        open_reservations: Number(sum(stock.map(({ level }) => level.audit?.openReservationsSum ?? 0n))),
      },
      violations: stock.flatMap(findViolations),
    };
  },
};

function findViolations({ level }: StockFacts): string[] {
  const { sku, reserved } = level;
  return [
    ...about(sku, stockViolations(level)),
    ...violated(sku, { [`reserved ${reserved} while all orders are terminal`]: reserved !== 0n }),
  ];
}
