import { OrderState } from '../../../pkg/pb/order/v1/order.js';
import { isLive, orderMoneyViolations } from '../../audit/checks/payment.js';
import { about, type Invariant } from './invariant.js';

export const onePaymentPerOrder: Invariant = {
  number: 3,
  title: 'A confirmed order is paid once and in full; other orders are not paid',
  check({ orders, examined }) {
    const payments = examined.flatMap((facts) => facts.payments);
    return {
      figures: {
        orders: orders.length,
        examined: examined.length,
        confirmed: examined.filter(({ order }) => order.state === OrderState.CONFIRMED).length,
        live_payments: payments.filter(isLive).length,
      },
      violations: examined.flatMap(({ order, payments: paid }) =>
        about(`order ${order.orderId} (${OrderState[order.state]})`, orderMoneyViolations(order, paid)),
      ),
    };
  },
};
