import type { Reservation } from '../../../pkg/pb/inventory/v1/inventory.js';
import { OrderState, type Order, type TimelineEntry } from '../../../pkg/pb/order/v1/order.js';
import { PaymentState, PaymentView, type Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { gatewayViolations, hasChargeBeyondVoid } from '../checks/gateway.js';
import { isTerminal } from '../checks/order-states.js';
import { amountViolations, orderMoneyViolations } from '../checks/payment.js';
import { progressOf, unfinishedSince, type Progress } from '../checks/progress.js';
import { reservationViolations } from '../checks/reservation.js';
import { terminalStateViolations, timelineViolations, type TimelineViolation } from '../checks/timeline.js';
import { undefinedIfMissing, type Services } from '../services.js';
import type { Examination, Finding, Ids } from './examination.js';
import { lostPaymentStep, lostReservationStep, voidStep } from './next-steps.js';

/** An order with its records in every service. */
export interface ExaminedOrder {
  readonly order: Order;
  readonly timeline: readonly TimelineEntry[];
  readonly reservation: Reservation | undefined;
  /** Payments with the records of the gateway. */
  readonly payments: readonly Payment[];
  readonly progress: Progress;
}

/** Reads the records of an order in every service. */
export async function readOrder(services: Services, order: Order): Promise<ExaminedOrder> {
  const [timeline, reservation, payments] = await Promise.all([
    timelineOf(services, order),
    reservationOf(services, order),
    paymentsOf(services, order),
  ]);
  const progress = progressOf({ order, timeline, payments }, Date.now());
  return { order, timeline, reservation, payments, progress };
}

export function judgeOrder(examined: ExaminedOrder): Examination {
  return {
    subject: { kind: 'order', orderId: examined.order.orderId },
    version: versionOf(examined),
    findings: [...orderFindings(examined), ...timelineFindings(examined), ...paymentFindings(examined)],
  };
}

async function timelineOf({ order }: Services, { orderId }: Order): Promise<readonly TimelineEntry[]> {
  const response = await undefinedIfMissing(order.getOrderTimeline({ orderId, customerId: '' }));
  return response?.entries ?? [];
}

async function reservationOf(
  { inventory }: Services,
  { reservationId }: Order,
): Promise<Reservation | undefined> {
  if (reservationId === '') return undefined;
  return (await undefinedIfMissing(inventory.getReservation({ reservationId })))?.reservation;
}

const maxPayments = 100;

/** A payment that was voided before its authorization has no order id, so it is read by its id. */
async function paymentsOf({ payment }: Services, { orderId, paymentId }: Order): Promise<Payment[]> {
  const { payments } = await payment.listPayments({ pageSize: maxPayments, pageToken: '', orderId });
  const ids = new Set([...payments.map((listed) => listed.paymentId), paymentId]);
  ids.delete('');
  const view = PaymentView.AUDIT;
  const responses = await Promise.all(
    [...ids].map((id) => undefinedIfMissing(payment.getPayment({ paymentId: id, view }))),
  );
  return responses.flatMap((response) => response?.payment ?? []);
}

function versionOf({ order, reservation, payments }: ExaminedOrder): string {
  return JSON.stringify([
    order.revision,
    reservation && [reservation.state, reservation.updateTime],
    payments.map(({ paymentId, state, updateTime }) => [paymentId, state, updateTime]),
  ]);
}

function orderFindings({ order, timeline, reservation, payments, progress }: ExaminedOrder): Finding[] {
  const { orderId, reservationId } = order;
  const subject = `order ${orderId} (${OrderState[order.state]})`;
  const since = new Date(unfinishedSince(order, timeline)).toISOString();
  const stock = reservation ? undefined : lostReservationStep;
  // AUDIT also returns a payment of which only the gateway has a record. Its state is unspecified.
  const isLost = payments.every(({ state }) => state === PaymentState.UNSPECIFIED);
  const money = isLost ? lostPaymentStep : undefined;
  const reservationIds = { order_id: orderId, reservation_id: reservationId };
  const paymentIds = { order_id: orderId, payment_ids: payments.map(({ paymentId }) => paymentId) };
  const late = progress === 'LATE' ? [`unfinished since ${since}`] : [];
  const about = (violation: string): string => `${subject}: ${violation}`;
  return [
    ...findings(2, reservationViolations(order, reservation).map(about), reservationIds, stock),
    ...findings(3, orderMoneyViolations(order, payments).map(about), paymentIds, money),
    ...findings(6, late.map(about), { order_id: orderId }),
  ];
}

function timelineFindings({ order, timeline }: ExaminedOrder): Finding[] {
  const { orderId } = order;
  const about = ({ revision, violation }: TimelineViolation): string =>
    `order ${orderId}${revision === undefined ? '' : `, revision ${revision}`}: ${violation}`;
  const ids = { order_id: orderId };
  return [
    ...findings(5, terminalStateViolations(timeline).map(about), ids),
    ...findings(7, timelineViolations(order, timeline).map(about), ids),
  ];
}

function paymentFindings({ order, payments, progress }: ExaminedOrder): Finding[] {
  // Between the answer of the gateway and the next write of the payment service, their records of a payment may differ.
  const isInFlight = !isTerminal(order) && progress === 'RUNNING';
  return payments.flatMap((payment) => [
    ...findingsOfPayment(payment, 4, amountViolations(payment)),
    ...(isInFlight ? [] : gatewayFindings(payment)),
  ]);
}

/** A capture or an open authorization of a payment that is VOIDED here has a next step. */
export function gatewayFindings(payment: Payment): Finding[] {
  const nextStep = hasChargeBeyondVoid(payment)
    ? voidStep(payment.paymentId, 'captured at the gateway, but released here')
    : undefined;
  return findingsOfPayment(payment, 8, gatewayViolations(payment), nextStep);
}

export function findingsOfPayment(
  { paymentId, orderId, state }: Payment,
  invariant: number,
  violations: readonly string[],
  nextStep?: string,
): Finding[] {
  const described = violations.map(
    (violation) => `payment ${paymentId} (${PaymentState[state]}): ${violation}`,
  );
  return findings(invariant, described, { payment_id: paymentId, order_id: orderId }, nextStep);
}

function findings(invariant: number, violations: readonly string[], ids: Ids, nextStep?: string): Finding[] {
  return violations.map((violation) =>
    nextStep === undefined ? { invariant, violation, ids } : { invariant, violation, ids, nextStep },
  );
}
