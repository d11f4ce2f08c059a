import { ReservationState } from '../../../pkg/pb/inventory/v1/inventory.js';
import {
  GatewayTransactionKind,
  PaymentState,
  PaymentView,
  type GatewayTransaction,
  type Payment,
} from '../../../pkg/pb/payment/v1/payment.js';
import { formatAmount, minorUnits } from '../checks/amounts.js';
import { amountViolations, isLive, netAmount } from '../checks/payment.js';
import { undefinedIfMissing, type Services } from '../services.js';
import type { Examination, Finding } from './examination.js';
import { findingsOfPayment, gatewayFindings } from './examine-order.js';
import { refundSteps, releaseStep, voidStep } from './next-steps.js';

/** Examines a payment that is not the payment of any order in the listing of orders. */
export async function examinePayment(services: Services, paymentId: string): Promise<Examination> {
  const subject = { kind: 'payment', paymentId } as const;
  const view = PaymentView.AUDIT;
  const response = await undefinedIfMissing(services.payment.getPayment({ paymentId, view }));
  const payment = response?.payment;
  if (!payment) return { subject, version: 'missing', findings: [] };
  const order = payment.orderId === '' ? undefined : await orderOf(services, payment.orderId);
  return {
    subject,
    version: JSON.stringify([payment.state, payment.updateTime, order?.revision]),
    findings: [
      ...findingsOfPayment(payment, 4, amountViolations(payment)),
      ...gatewayFindings(payment),
      ...(order ? [] : orphanFindings(payment)),
    ],
  };
}

async function orderOf({ order }: Services, orderId: string) {
  return (await undefinedIfMissing(order.getOrder({ orderId, customerId: '' })))?.order;
}

function orphanFindings(payment: Payment): Finding[] {
  const { paymentId, orderId, state } = payment;
  if (!isLive(payment) && netAmount(payment) === 0n) return [];
  const isAuthorized = state === PaymentState.AUTHORIZED;
  const amount = formatAmount(isAuthorized ? payment.authorizedAmount : payment.capturedAmount);
  const refunded = minorUnits(payment.refundedAmount) > 0n ? formatAmount(payment.refundedAmount) : '';
  const money = `${isAuthorized ? 'authorized' : 'captured'} ${amount}${refunded && `, refunded ${refunded}`}`;
  const lost = orderId === '' ? 'it belongs to no order' : `its order ${orderId} does not exist`;
  return [
    {
      invariant: 3,
      violation: `payment ${paymentId} (${PaymentState[state]}), ${money}: ${lost}`,
      ids: { payment_id: paymentId, order_id: orderId },
      nextStep: isAuthorized ? voidStep(paymentId) : refundSteps(paymentId),
    },
  ];
}

/** Examines a reservation that is not the reservation of any order in the listing of orders. */
export async function examineReservation(services: Services, reservationId: string): Promise<Examination> {
  const subject = { kind: 'reservation', reservationId } as const;
  const response = await undefinedIfMissing(services.inventory.getReservation({ reservationId }));
  const reservation = response?.reservation;
  if (!reservation) return { subject, version: 'missing', findings: [] };
  const { state, updateTime, items } = reservation;
  const isCommitted = state === ReservationState.COMMITTED;
  const units = items.map(({ sku, quantity }) => `${quantity} ${sku}`).join(', ');
  const finding = {
    invariant: isCommitted ? 2 : 1,
    violation: `reservation ${reservationId} (${ReservationState[state]}) of ${units}: no order has this reservation`,
    ids: { reservation_id: reservationId, skus: items.map(({ sku }) => sku) },
    nextStep: releaseStep(reservationId),
  };
  const isOrphan = isCommitted || state === ReservationState.RESERVED;
  return { subject, version: JSON.stringify([state, updateTime]), findings: isOrphan ? [finding] : [] };
}

const maxTransactions = 1000;

/** Examines the gateway transactions of a payment that is unknown to the payment service. */
export async function examineTransactions(services: Services, paymentId: string): Promise<Examination> {
  const subject = { kind: 'transactions', paymentId } as const;
  const { transactions } = await services.payment.listGatewayTransactions({
    pageSize: maxTransactions,
    pageToken: '',
    paymentId,
  });
  const unknown = transactions.filter(({ paymentKnown }) => !paymentKnown);
  const version = unknown.map(({ transactionId }) => transactionId).join();
  return { subject, version, findings: unknown.some(movesMoney) ? [chargeFinding(paymentId, unknown)] : [] };
}

/** Returns whether a transaction holds or moves money. A void of an unknown authorization does not. */
export function movesMoney({ kind }: GatewayTransaction): boolean {
  return kind !== GatewayTransactionKind.VOID;
}

function chargeFinding(paymentId: string, transactions: readonly GatewayTransaction[]): Finding {
  const list = transactions.map(({ kind, amount }) =>
    `${GatewayTransactionKind[kind]} ${formatAmount(amount)}`.trim(),
  );
  return {
    invariant: 8,
    violation: `gateway transactions of payment ${paymentId} (${list.join(', ')}): the payment service has no such payment`,
    ids: {
      payment_id: paymentId,
      transaction_ids: transactions.map(({ transactionId }) => transactionId),
    },
    nextStep: voidStep(paymentId),
  };
}
