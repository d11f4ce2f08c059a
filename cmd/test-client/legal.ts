import { OrderState } from '../../pkg/pb/order/v1/order.js';

/** The edges of the state diagram in `order.proto`; the first state of an order is PENDING. */
const edges: ReadonlyMap<OrderState, readonly OrderState[]> = new Map([
  [OrderState.UNSPECIFIED, [OrderState.PENDING]],
  [OrderState.PENDING, [OrderState.CONFIRMED, OrderState.REJECTED, OrderState.CANCELLING]],
  [OrderState.CONFIRMED, [OrderState.CANCELLING]],
  [OrderState.CANCELLING, [OrderState.CANCELLED]],
]);

export function isLegalEdge(from: OrderState, to: OrderState): boolean {
  return edges.get(from)?.includes(to) ?? false;
}

/** Whether an order in `from` may be in `to` later, over any number of edges. */
export function isReachable(from: OrderState, to: OrderState): boolean {
  return from === to || (edges.get(from) ?? []).some((next) => isReachable(next, to));
}
