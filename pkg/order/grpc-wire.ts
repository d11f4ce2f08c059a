import { toWire } from '../money/index.js';
import {
  OrderState,
  RejectionReason,
  SagaStep,
  StepOutcome,
  type Order as WireOrder,
  type Rejection as WireRejection,
  type TimelineEntry as WireEntry,
} from '../pb/order/v1/order.js';
import { rejectionOf, type Order, type Rejection, type TimelineEntry } from './domain.js';

export function orderToWire(order: Order): WireOrder {
  const rejection = rejectionOf(order);
  return {
    orderId: order.id,
    customerId: order.customerId,
    state: OrderState[order.state],
    lines: order.lines.map(({ sku, name, quantity, unitPrice }) => ({
      sku,
      name,
      quantity,
      unitPrice: toWire(unitPrice),
    })),
    total: toWire(order.total),
    rejection: rejection && rejectionToWire(rejection),
    revision: order.revision,
    reservationId: order.reservationId,
    paymentId: order.paymentId,
    createTime: order.createdAt,
    updateTime: order.updatedAt,
    requestId: order.requestId,
  };
}

function rejectionToWire({ reason, declineCode, declineAdvice, skus }: Rejection): WireRejection {
  return {
    reason: RejectionReason[reason],
    declineCode: declineCode ?? '',
    declineAdvice: declineAdvice ?? '',
    skus: [...(skus ?? [])],
  };
}

export function entryToWire(entry: TimelineEntry): WireEntry {
  return {
    revision: entry.revision,
    fromState: entry.from ? OrderState[entry.from] : OrderState.UNSPECIFIED,
    toState: OrderState[entry.to],
    step: SagaStep[entry.step],
    outcome: StepOutcome[entry.outcome],
    attempt: entry.attempt,
    time: entry.time,
    traceId: entry.traceId,
    detail: entry.detail,
  };
}
