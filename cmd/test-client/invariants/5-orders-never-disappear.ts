import { OrderState, type Order } from '../../../pkg/pb/order/v1/order.js';
import { requestKey, type ObservedState } from '../context/run-log.js';
import { isReachable } from '../../audit/checks/order-states.js';
import type { Facts } from './facts.js';
import { violated, type Invariant } from './invariant.js';

export const ordersNeverDisappear: Invariant = {
  number: 5,
  title: 'An acknowledged order never disappears, and a terminal state never changes',
  check(facts) {
    const { orders, observedStates, requests } = facts;
    const byId = new Map(orders.map((order) => [order.orderId, order]));
    const keys = orders.map(requestKey);
    return {
      figures: {
        requests: requests.size,
        acknowledged: new Set(observedStates.map(({ orderId }) => orderId)).size,
        listed: orders.length,
        observed_states: observedStates.length,
      },
      violations: [
        ...observedStates.flatMap((observed) => findStateViolations(observed, byId.get(observed.orderId))),
        ...keys.filter((key) => !requests.has(key)).map((key) => `the order for ${key} has no request`),
        ...duplicates(keys).map((key) => `two orders for ${key}`),
        ...findCancellationsWithoutRequest(facts),
      ],
    };
  },
};

function findStateViolations(
  { orderId, revision, state }: ObservedState,
  order: Order | undefined,
): string[] {
  if (!order) return [`order ${orderId} was ${OrderState[state]} and has disappeared`];
  return violated(`order ${orderId}`, {
    [`changed from ${OrderState[state]} to ${OrderState[order.state]}`]: !isReachable(state, order.state),
    [`decreased from revision ${revision} to ${order.revision}`]: revision > order.revision,
    [`was ${OrderState[state]} and is ${OrderState[order.state]} at the same revision`]:
      revision === order.revision && state !== order.state,
  });
}

function duplicates(keys: readonly string[]): string[] {
  const known = new Set<string>();
  return keys.filter((key) => known.has(key) || !known.add(key));
}

function findCancellationsWithoutRequest({ orders, cancelled }: Facts): string[] {
  const cancelledStates = new Set([OrderState.CANCELLING, OrderState.CANCELLED]);
  return orders
    .filter(({ orderId, state }) => cancelledStates.has(state) && !cancelled.has(orderId))
    .map(({ orderId }) => `order ${orderId} was cancelled without a request`);
}
