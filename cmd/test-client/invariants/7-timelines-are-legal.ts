import { timelineViolations } from '../../audit/checks/timeline.js';
import type { OrderFacts } from './facts.js';
import type { Invariant } from './invariant.js';

export const timelinesAreLegal: Invariant = {
  number: 7,
  title: 'Timelines have no gaps and contain legal transitions only',
  check({ orders, examined }) {
    return {
      figures: {
        orders: orders.length,
        examined: examined.length,
        entries: examined.reduce((count, { timeline }) => count + timeline.length, 0),
      },
      violations: examined.flatMap(findViolations),
    };
  },
};

function findViolations({ order, timeline }: OrderFacts): string[] {
  return timelineViolations(order, timeline).map(({ revision, violation }) => {
    const entry = revision === undefined ? '' : `, revision ${revision}`;
    return `order ${order.orderId}${entry}: ${violation}`;
  });
}
