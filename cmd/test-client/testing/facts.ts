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
export function anOrder(overrides: Partial<Order> = {}): Order {
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
  return { ...order, ...overrides };
}

export function aRejectedOrder(overrides: Partial<Order> = {}): Order {
  const rejection = {
    reason: RejectionReason.OUT_OF_STOCK,
    declineCode: '',
    declineAdvice: '',
    skus: ['espresso'],
  };
  return anOrder({ state: OrderState.REJECTED, rejection, ...overrides });
}

/** A captured payment of one espresso, in sync with the gateway. */
export function aPayment(overrides: Partial<Payment> = {}): Payment {
  const amounts = { authorizedAmount: usd(price), capturedAmount: usd(price), refundedAmount: usd(0) };
  const payment = Payment.fromPartial({
    paymentId: 'payment-1',
    orderId: 'order-1',
    state: PaymentState.CAPTURED,
    amount: usd(price),
    ...amounts,
    audit: { authorizationCount: 1, captureCount: 1, voided: false, ...amounts },
  });
  return { ...payment, ...overrides };
}

type Audit = NonNullable<Payment['audit']>;

/** A payment with `overrides` in its audit; the audit contains the gateway ledger. */
export function aPaymentAudited(overrides: Partial<Audit>, payment: Partial<Payment> = {}): Payment {
  const { audit, ...rest } = aPayment(payment);
  return { ...rest, audit: { ...(audit as Audit), ...overrides } };
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
  const items = [{ sku: 'espresso', quantity: 1n }];
  return Reservation.fromPartial({ reservationId: 'reservation-1', state, items });
}

/** A confirmed order with its payment, timeline and reservation. */
export function anExaminedOrder(overrides: Partial<OrderFacts> = {}): OrderFacts {
  return {
    order: anOrder(),
    payments: [aPayment()],
    timeline: [
      anEntry(1, [OrderState.UNSPECIFIED, OrderState.PENDING]),
      anEntry(2, [OrderState.PENDING, OrderState.CONFIRMED]),
    ],
    reservation: aReservation(),
    ...overrides,
  };
}

/** Stock of a product with ten delivered units, of which one is sold. */
export function aStock(overrides: Partial<StockLevel> = {}, audit: Partial<StockAudit> = {}): StockFacts {
  const level = StockLevel.fromPartial({
    sku: 'espresso',
    onHand: 9n,
    reserved: 0n,
    available: 9n,
    audit: { movementsSum: 9n, openReservationsSum: 0n, committedSum: 1n, ...audit },
  });
  return { level: { ...level, ...overrides }, delivered: 10n };
}

/** A run with one order that satisfies every invariant. */
export function someFacts(overrides: Partial<Facts> = {}): Facts {
  return {
    stock: [aStock()],
    orders: [anOrder()],
    examined: [anExaminedOrder()],
    observedStates: [{ orderId: 'order-1', revision: 2, state: OrderState.CONFIRMED }],
    cancelled: new Set(),
    requests: new Set(['alice request-1']),
    terminalAfterMs: 12,
    replays: [{ request: 'CreateOrder alice request-1', first: 'order-1', repeated: 'order-1' }],
    effects: { before: { orders: 1, onHand: 9n }, after: { orders: 1, onHand: 9n } },
    ...overrides,
  };
}
