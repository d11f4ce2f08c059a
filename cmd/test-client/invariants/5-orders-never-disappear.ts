import { OrderState, type Order } from '../../../pkg/pb/order/v1/order.js';
import { requestKey, type Sighting } from '../book.js';
import { isReachable } from '../legal.js';
import type { Facts } from './facts.js';
import { violated, type Invariant } from './invariant.js';

export const ordersNeverDisappear: Invariant = {
  number: 5,
  title: 'An acknowledged order never disappears, and a terminal state never changes',
  check(facts) {
    const { orders, sightings, requests } = facts;
    const byId = new Map(orders.map((order) => [order.orderId, order]));
    const keys = orders.map(requestKey);
    return {
      figures: {
        requests: requests.size,
        acknowledged: new Set(sightings.map(({ orderId }) => orderId)).size,
        listed: orders.length,
        sightings: sightings.length,
      },
      violations: [
        ...sightings.flatMap((sighting) => lostOrChanged(sighting, byId.get(sighting.orderId))),
        ...keys.filter((key) => !requests.has(key)).map((key) => `an order that nobody placed: ${key}`),
        ...twice(keys).map((key) => `two orders for ${key}`),
        ...changedMinds(facts),
      ],
    };
  },
};

function lostOrChanged({ orderId, revision, state }: Sighting, order: Order | undefined): string[] {
  if (!order) return [`order ${orderId} was ${OrderState[state]} and is gone`];
  return violated(`order ${orderId}`, {
    [`went from ${OrderState[state]} to ${OrderState[order.state]}`]: !isReachable(state, order.state),
    [`went back from revision ${revision} to ${order.revision}`]: revision > order.revision,
    [`was ${OrderState[state]} and is ${OrderState[order.state]} at the same revision`]:
      revision === order.revision && state !== order.state,
  });
}

function twice(keys: readonly string[]): string[] {
  const known = new Set<string>();
  return keys.filter((key) => known.has(key) || !known.add(key));
}

/** Only who asks for it gets a cancellation. */
function changedMinds({ orders, cancelled }: Facts): string[] {
  const undone = new Set([OrderState.CANCELLING, OrderState.CANCELLED]);
  return orders
    .filter(({ orderId, state }) => undone.has(state) && !cancelled.has(orderId))
    .map(({ orderId }) => `order ${orderId} was cancelled though nobody asked for it`);
}
