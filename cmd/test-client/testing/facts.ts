import { money, toWire } from '../../../pkg/money/index.js';
import {
  Reservation,
  ReservationState,
  StockLevel,
  type StockAudit,
} from '../../../pkg/pb/inventory/v1/inventory.js';
import {
  Order,
  OrderState,
  RejectionReason,
  SagaStep,
  StepOutcome,
  type TimelineEntry,
} from '../../../pkg/pb/order/v1/order.js';
import { Payment, PaymentState } from '../../../pkg/pb/payment/v1/payment.js';
import type { Facts, OrderFacts, StockFacts } from '../invariants/facts.js';

const price = 450;

export function usd(minor: number) {
  return toWire(money('USD', minor));
}

/** A confirmed order of one espresso. */
export function anOrder(over: Partial<Order> = {}): Order {
  const order = Order.fromPartial({
    orderId: 'order-1',
    customerId: 'alice',
    requestId: 'request-1',
    state: OrderState.CONFIRMED,
    lines: [{ sku: 'espresso', name: 'Espresso', quantity: 1n, unitPrice: usd(price) }],
    total: usd(price),
    revision: 2,
    reservationId: 'reservation-1',
    paymentId: 'payment-1',
  });
  return { ...order, ...over };
}

export function aRejectedOrder(over: Partial<Order> = {}): Order {
  const rejection = {
    reason: RejectionReason.OUT_OF_STOCK,
    declineCode: '',
    declineAdvice: '',
    skus: ['espresso'],
  };
  return anOrder({ state: OrderState.REJECTED, rejection, ...over });
}

/** What the gateway and we know of one captured espresso. */
export function aPayment(over: Partial<Payment> = {}): Payment {
  const amounts = { authorizedAmount: usd(price), capturedAmount: usd(price), refundedAmount: usd(0) };
  const payment = Payment.fromPartial({
    paymentId: 'payment-1',
    orderId: 'order-1',
    state: PaymentState.CAPTURED,
    amount: usd(price),
    ...amounts,
    audit: { authorizationCount: 1, captureCount: 1, voided: false, ...amounts },
  });
  return { ...payment, ...over };
}

type Audit = NonNullable<Payment['audit']>;

/** A payment whose gateway says something else. */
export function aPaymentAudited(over: Partial<Audit>, payment: Partial<Payment> = {}): Payment {
  const { audit, ...rest } = aPayment(payment);
  return { ...rest, audit: { ...(audit as Audit), ...over } };
}

export function anEntry(
  revision: number,
  [fromState, toState]: readonly [OrderState, OrderState],
  time = new Date(revision),
): TimelineEntry {
  return {
    revision,
    fromState,
    toState,
    step: SagaStep.ACCEPT,
    outcome: StepOutcome.SUCCEEDED,
    attempt: 1,
    time,
    traceId: '',
    detail: '',
  };
}

export function aReservation(state = ReservationState.COMMITTED): Reservation {
  return Reservation.fromPartial({ reservationId: 'reservation-1', state });
}

/** A confirmed order as every service knows it. */
export function anExaminedOrder(over: Partial<OrderFacts> = {}): OrderFacts {
  return {
    order: anOrder(),
    payments: [aPayment()],
    timeline: [
      anEntry(1, [OrderState.UNSPECIFIED, OrderState.PENDING]),
      anEntry(2, [OrderState.PENDING, OrderState.CONFIRMED]),
    ],
    reservation: aReservation(),
    ...over,
  };
}

/** Ten espressos were delivered, one was sold. */
export function aStock(over: Partial<StockLevel> = {}, audit: Partial<StockAudit> = {}): StockFacts {
  const level = StockLevel.fromPartial({
    sku: 'espresso',
    onHand: 9n,
    reserved: 0n,
    available: 9n,
    audit: { movementsSum: 9n, openReservationsSum: 0n, committedSum: 1n, ...audit },
  });
  return { level: { ...level, ...over }, delivered: 10n };
}

/** A run that placed one order, which holds every invariant. */
export function someFacts(over: Partial<Facts> = {}): Facts {
  return {
    stock: [aStock()],
    orders: [anOrder()],
    examined: [anExaminedOrder()],
    sightings: [{ orderId: 'order-1', revision: 2, state: OrderState.CONFIRMED }],
    cancelled: new Set(),
    requests: new Set(['alice request-1']),
    restedAfterMs: 12,
    replays: [{ request: 'CreateOrder alice request-1', first: 'order-1', again: 'order-1' }],
    effects: { before: { orders: 1, onHand: 9n }, after: { orders: 1, onHand: 9n } },
    ...over,
  };
}
