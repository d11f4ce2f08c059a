import { toWire, type Money, type WireMoney } from '../money/index.js';
import {
  OrderState,
  RejectionReason,
  SagaStep,
  StepOutcome,
  type Order as WireOrder,
  type Rejection as WireRejection,
  type TimelineEntry as WireEntry,
} from '../pb/order/v1/order.js';
import { isTerminal, rejectionOf, type Order, type Rejection, type TimelineEntry } from './domain.js';

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
    refundedAmount: toWireUnlessZero(order.refunded),
    refundPendingAmount: toWireUnlessZero(order.refundPending),
    paymentAction:
      order.state === 'PENDING' && order.paymentAction
        ? { url: order.paymentAction.url, dueTime: order.paymentAction.dueAt }
        : undefined,
    blockedReason: order.block?.reason ?? '',
    blockedSince: order.block?.since,
    step: isTerminal(order.state) ? SagaStep.UNSPECIFIED : SagaStep[order.step],
    nextAttemptTime: order.nextAttemptAt,
  };
}

function toWireUnlessZero(amount: Money): WireMoney | undefined {
  return amount.minor === 0n ? undefined : toWire(amount);
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
    actor: entry.actor,
  };
}
