import type { Invariant } from './invariant.js';

export const equalRequestsEqualAnswers: Invariant = {
  number: 9,
  title: 'Equal requests have equal answers and no further effect',
  check({ replays, effects: { before, after } }) {
    const different = replays
      .filter(({ first, again }) => first !== again)
      .map(({ request, first, again }) => `${request}: first ${first}, then ${again}`);
    const isChanged = before.orders !== after.orders || before.onHand !== after.onHand;
    const change = `orders ${before.orders} → ${after.orders}, on hand ${before.onHand} → ${after.onHand}`;
    return {
      figures: {
        sent_again: replays.length,
        equal: replays.length - different.length,
        orders_before: before.orders,
        orders_after: after.orders,
      },
      violations: [...different, ...(isChanged ? [`the repeated requests had an effect: ${change}`] : [])],
    };
  },
};
