import { ReservationState, type Reservation } from '../../../pkg/pb/inventory/v1/inventory.js';
import { OrderState, type Order } from '../../../pkg/pb/order/v1/order.js';
import { isTerminal } from './order-states.js';
import { violationsOf } from './violations.js';

/** Invariant 2: the stock of an order is committed exactly when the order is CONFIRMED. */
export function reservationViolations(order: Order, reservation: Reservation | undefined): string[] {
  if (!isTerminal(order)) return [];
  const isCommitted = reservation?.state === ReservationState.COMMITTED;
  const isOpen = reservation?.state === ReservationState.RESERVED;
  const state = reservation ? ReservationState[reservation.state] : 'missing';
  const ordered = quantities(order.lines);
  const committed = quantities(reservation?.items ?? []);
  return violationsOf({
    [`the order is ${OrderState[order.state]}, but its reservation is ${state}`]:
      isCommitted !== (order.state === OrderState.CONFIRMED) || isOpen,
    [`the order has ${ordered}, but its reservation has committed ${committed}`]:
      isCommitted && ordered !== committed,
  });
}

function quantities(items: readonly { readonly sku: string; readonly quantity: bigint }[]): string {
  return items
    .map(({ sku, quantity }) => `${quantity} ${sku}`)
    .toSorted()
    .join(', ');
}
