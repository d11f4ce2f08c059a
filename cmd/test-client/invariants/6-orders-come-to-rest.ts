import { OrderState } from '../../../pkg/pb/order/v1/order.js';
import { describeTally, outcomeOf, tally } from '../describe.js';
import { isAtRest } from '../rest.js';
import { violated, type Invariant } from './invariant.js';

/** Longest time to a terminal state after faults stop, milliseconds. */
export const restLimitMs = 30_000;

export const ordersComeToRest: Invariant = {
  number: 6,
  title: 'Every order reaches a terminal state within 30 s',
  check({ orders, restedAfterMs }) {
    return {
      figures: {
        orders: orders.length,
        at_rest: orders.filter(isAtRest).length,
        at_rest_after_ms: Math.round(restedAfterMs),
        outcomes: describeTally(tally(orders.map(outcomeOf))),
      },
      violations: [
        ...orders
          .filter((order) => !isAtRest(order))
          .map(({ orderId, state }) => `order ${orderId} is still ${OrderState[state]}`),
        ...violated('all orders', { [`took ${restedAfterMs} ms`]: restedAfterMs > restLimitMs }),
      ],
    };
  },
};
