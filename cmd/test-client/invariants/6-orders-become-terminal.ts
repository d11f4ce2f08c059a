import { OrderState } from '../../../pkg/pb/order/v1/order.js';
import { formatCounts, outcomeOf, countValues } from '../output/format.js';
import { terminalTimeoutMs } from '../../audit/checks/progress.js';
import { isTerminal } from '../../audit/checks/order-states.js';
import { violated, type Invariant } from './invariant.js';

export const ordersBecomeTerminal: Invariant = {
  number: 6,
  title: 'Every order reaches a terminal state within 30 s',
  check({ orders, terminalAfterMs }) {
    return {
      figures: {
        orders: orders.length,
        terminal: orders.filter(isTerminal).length,
        terminal_after_ms: Math.round(terminalAfterMs),
        outcomes: formatCounts(countValues(orders.map(outcomeOf))),
      },
      violations: [
        ...orders
          .filter((order) => !isTerminal(order))
          .map(({ orderId, state }) => `order ${orderId} is still ${OrderState[state]}`),
        ...violated('all orders', {
          [`terminal after ${terminalAfterMs} ms`]: terminalAfterMs > terminalTimeoutMs,
        }),
      ],
    };
  },
};
