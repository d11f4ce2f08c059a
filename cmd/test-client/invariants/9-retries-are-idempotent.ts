import type { Invariant } from './invariant.js';

export const retriesAreIdempotent: Invariant = {
  number: 9,
  title: 'A repeated request has the same response and no further effect',
  check({ replays, effects: { before, after } }) {
    const different = replays
      .filter(({ first, repeated }) => first !== repeated)
      .map(({ request, first, repeated }) => `${request}: first ${first}, repeated ${repeated}`);
    const isChanged = before.orders !== after.orders || before.onHand !== after.onHand;
    const change = `orders ${before.orders} → ${after.orders}, on hand ${before.onHand} → ${after.onHand}`;
    return {
      figures: {
        repeated: replays.length,
        equal: replays.length - different.length,
        orders_before: before.orders,
        orders_after: after.orders,
      },
      violations: [...different, ...(isChanged ? [`repeated requests changed the state: ${change}`] : [])],
    };
  },
};
