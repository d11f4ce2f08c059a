import { OrderState, type Order } from '../../../pkg/pb/order/v1/order.js';
import { PaymentState, type Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { formatAmount, minorUnits } from './amounts.js';
import { isTerminal } from './order-states.js';
import { sum, violationsOf } from './violations.js';

const live: ReadonlySet<PaymentState> = new Set([
  PaymentState.PENDING,
  PaymentState.ACTION_REQUIRED,
  PaymentState.AUTHORIZED,
  PaymentState.CAPTURED,
  PaymentState.PARTIALLY_REFUNDED,
]);

/** Live payments that are not captured: a later call or event can still charge the customer. */
const open: ReadonlySet<PaymentState> = new Set([
  PaymentState.PENDING,
  PaymentState.ACTION_REQUIRED,
  PaymentState.AUTHORIZED,
]);

/** Returns whether a payment blocks or has taken money of the customer. */
export function isLive({ state }: Pick<Payment, 'state'>): boolean {
  return live.has(state);
}

/** Captured minus refunded amount, in minor units. */
export function netAmount({ capturedAmount, refundedAmount }: Payment): bigint {
  return minorUnits(capturedAmount) - minorUnits(refundedAmount);
}

/**
 * Invariant 3: an order has at most one live payment. A CONFIRMED order is paid in full, less what RefundOrder gave
 * back; a REJECTED or CANCELLED order is not paid, and no payment of it can still be charged.
 */
export function orderMoneyViolations(order: Order, payments: readonly Payment[]): string[] {
  const paid = sum(payments.map(netAmount));
  const liveCount = payments.filter(isLive).length;
  const openStates = payments.flatMap(({ state }) => (open.has(state) ? PaymentState[state] : []));
  const isConfirmed = order.state === OrderState.CONFIRMED;
  const isUnpaid = isTerminal(order) && !isConfirmed;
  const refunded = minorUnits(order.refundedAmount);
  const due = minorUnits(order.total) - refunded;
  // The payment may already include a refund whose result the order has not recorded yet.
  const isPaid = paid <= due && paid >= due - minorUnits(order.refundPendingAmount);
  const less = refunded === 0n ? '' : ` less refunded ${formatAmount(order.refundedAmount)}`;
  const currency = order.total?.currencyCode;
  return violationsOf({
    [`${liveCount} live payments`]: liveCount > 1,
    [`total ${formatAmount(order.total)}${less}, but paid ${paid} minor units`]: isConfirmed && !isPaid,
    [`paid ${paid} minor units`]: isUnpaid && paid !== 0n,
    [`open payments: ${openStates.join(', ')}`]: isUnpaid && openStates.length > 0,
    'a payment has another currency': payments.some(
      ({ amount }) => amount && amount.currencyCode !== currency,
    ),
  });
}

/** Invariant 4: refunds do not exceed the captured amount, and captures do not exceed the authorized amount. */
export function amountViolations(payment: Payment): string[] {
  const authorized = minorUnits(payment.authorizedAmount);
  const captured = minorUnits(payment.capturedAmount);
  const refunded = minorUnits(payment.refundedAmount);
  const pending = minorUnits(payment.refundPendingAmount);
  return violationsOf({
    [`refunded ${refunded} exceeds captured ${captured}`]: refunded > captured,
    [`refunded ${refunded} and pending ${pending} exceed captured ${captured}`]:
      pending > 0n && refunded + pending > captured,
    [`captured ${captured} exceeds authorized ${authorized}`]: captured > authorized,
    'an amount is negative': [authorized, captured, refunded, pending].some((amount) => amount < 0n),
  });
}
