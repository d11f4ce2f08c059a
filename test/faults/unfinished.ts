import { isTerminal } from '../../cmd/audit/checks/order-states.js';
import { OrderState, SagaStep, type Order } from '../../pkg/pb/order/v1/order.js';

/** Time for an order to continue after its customer could act; the longest backoff of a saga. */
const actionGraceMs = 10_000;

/** Whether an order is terminal, or blocked until an operator acts. */
export function isSettled(order: Order): boolean {
  return isTerminal(order) || order.blockedReason !== '';
}

/** Describes the orders that are not settled, except those whose customer can still act or could until shortly before. */
export function findUnfinished(orders: readonly Order[], now: number): string[] {
  return orders
    .filter((order) => !isSettled(order) && !awaitsCustomer(order, now))
    .map(({ orderId, state, step }) => `order ${orderId} is ${OrderState[state]} at ${SagaStep[step]}`);
}

function awaitsCustomer({ state, paymentAction }: Order, now: number): boolean {
  const dueTime = paymentAction?.dueTime?.getTime() ?? 0;
  return state === OrderState.PENDING && now <= dueTime + actionGraceMs;
}
