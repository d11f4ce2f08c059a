import { OrderState, type Order } from '../../../pkg/pb/order/v1/order.js';

/**
 * Transitions of the state diagram in `order.proto`; the first state of an order is PENDING. A step that does not change
 * the state is a transition from the state to itself. A test compares them with the order service.
 */
const transitions: ReadonlyMap<OrderState, readonly OrderState[]> = new Map([
  [OrderState.UNSPECIFIED, [OrderState.PENDING]],
  [
    OrderState.PENDING,
    [OrderState.PENDING, OrderState.CONFIRMED, OrderState.REJECTED, OrderState.CANCELLING],
  ],
  [OrderState.CONFIRMED, [OrderState.CONFIRMED, OrderState.CANCELLING]],
  [OrderState.CANCELLING, [OrderState.CANCELLING, OrderState.CANCELLED]],
  [OrderState.CANCELLED, [OrderState.CANCELLED]],
]);

export function isLegalTransition(from: OrderState, to: OrderState): boolean {
  return transitions.get(from)?.includes(to) ?? false;
}

/** Returns true when the states are equal, or when a series of transitions leads from `from` to `to`. */
export function isReachable(from: OrderState, to: OrderState): boolean {
  return from === to || (transitions.get(from) ?? []).some((next) => next !== from && isReachable(next, to));
}

/** Returns true when the saga has ended. A CONFIRMED order can still be cancelled on request. */
export function isTerminal({ state }: Pick<Order, 'state'>): boolean {
  return state !== OrderState.PENDING && state !== OrderState.CANCELLING;
}
