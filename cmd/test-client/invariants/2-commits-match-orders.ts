import { reservationViolations } from '../../audit/checks/reservation.js';
import { sum } from '../../audit/checks/violations.js';
import { OrderState, type Order } from '../../../pkg/pb/order/v1/order.js';
import { about, violated, type Invariant } from './invariant.js';

export const commitsMatchOrders: Invariant = {
  number: 2,
  title: 'Committed stock equals the units in confirmed orders',
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
            [`committed ${audit?.committedSum}, but confirmed orders contain ${sold.get(sku) ?? 0n}`]:
              audit?.committedSum !== (sold.get(sku) ?? 0n),
            [`on_hand ${onHand} is not delivered ${delivered} - sold ${sold.get(sku) ?? 0n}`]:
              onHand !== delivered - (sold.get(sku) ?? 0n),
          }),
        ),
        ...examined.flatMap(({ order, reservation }) =>
          about(`order ${order.orderId}`, reservationViolations(order, reservation)),
        ),
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
