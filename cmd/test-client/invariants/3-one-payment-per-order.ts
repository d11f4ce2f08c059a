import { OrderState } from '../../../pkg/pb/order/v1/order.js';
import { PaymentState, type Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { minorOf, showAmount } from '../amounts.js';
import type { OrderFacts } from './facts.js';
import { sum, violated, type Invariant } from './invariant.js';

const live: ReadonlySet<PaymentState> = new Set([
  PaymentState.AUTHORIZED,
  PaymentState.CAPTURED,
  PaymentState.PARTIALLY_REFUNDED,
]);

export const onePaymentPerOrder: Invariant = {
  number: 3,
  title: 'A confirmed order is paid once and in full, any other not at all',
  check({ orders, examined }) {
    const payments = examined.flatMap((facts) => facts.payments);
    return {
      figures: {
        orders: orders.length,
        examined: examined.length,
        confirmed: examined.filter(({ order }) => order.state === OrderState.CONFIRMED).length,
        live_payments: payments.filter(({ state }) => live.has(state)).length,
      },
      violations: examined.flatMap(broken),
    };
  },
};

function broken({ order, payments }: OrderFacts): string[] {
  const kept = sum(payments.map(keptOf));
  const liveCount = payments.filter(({ state }) => live.has(state)).length;
  const isConfirmed = order.state === OrderState.CONFIRMED;
  const total = minorOf(order.total);
  const currency = order.total?.currencyCode;
  return violated(`order ${order.orderId} (${OrderState[order.state]})`, {
    [`${liveCount} live payments`]: liveCount > 1,
    [`total ${showAmount(order.total)}, but kept ${kept} minor units`]: isConfirmed && kept !== total,
    [`kept ${kept} minor units`]: !isConfirmed && kept !== 0n,
    'paid in another currency': payments.some(({ amount }) => amount && amount.currencyCode !== currency),
  });
}

function keptOf({ capturedAmount, refundedAmount }: Payment): bigint {
  return minorOf(capturedAmount) - minorOf(refundedAmount);
}
