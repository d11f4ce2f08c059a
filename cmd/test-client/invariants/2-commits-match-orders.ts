import { ReservationState } from '../../../pkg/pb/inventory/v1/inventory.js';
import { OrderState, type Order } from '../../../pkg/pb/order/v1/order.js';
import type { OrderFacts } from './facts.js';
import { sum, violated, type Invariant } from './invariant.js';

export const commitsMatchOrders: Invariant = {
  number: 2,
  title: 'Committed stock is what confirmed orders hold',
  check({ stock, orders, examined }) {
    const sold = unitsSold(orders);
    return {
      figures: {
        committed: Number(sum(stock.map(({ level }) => level.audit?.committedSum ?? 0n))),
        in_confirmed_orders: Number(sum(sold.values())),
        delivered: Number(sum(stock.map(({ delivered }) => delivered))),
        reservations_examined: examined.filter(({ reservation }) => reservation).length,
      },
      violations: [
        ...stock.flatMap(({ level: { sku, onHand, audit }, delivered }) =>
          violated(sku, {
            [`committed ${audit?.committedSum}, but confirmed orders hold ${sold.get(sku) ?? 0n}`]:
              audit?.committedSum !== (sold.get(sku) ?? 0n),
            [`on_hand ${onHand} is not delivered ${delivered} - sold ${sold.get(sku) ?? 0n}`]:
              onHand !== delivered - (sold.get(sku) ?? 0n),
          }),
        ),
        ...examined.flatMap(wrongReservation),
      ],
    };
  },
};

function unitsSold(orders: readonly Order[]): Map<string, bigint> {
  const sold = new Map<string, bigint>();
  for (const { state, lines } of orders) {
    if (state !== OrderState.CONFIRMED) continue;
    for (const { sku, quantity } of lines) sold.set(sku, (sold.get(sku) ?? 0n) + quantity);
  }
  return sold;
}

function wrongReservation({ order, reservation }: OrderFacts): string[] {
  const isCommitted = reservation?.state === ReservationState.COMMITTED;
  const isOpen = reservation?.state === ReservationState.RESERVED;
  const state = reservation ? ReservationState[reservation.state] : 'missing';
  const isConfirmed = order.state === OrderState.CONFIRMED;
  return violated(`order ${order.orderId}`, {
    [`${OrderState[order.state]}, but its reservation is ${state}`]: isCommitted !== isConfirmed || isOpen,
  });
}
