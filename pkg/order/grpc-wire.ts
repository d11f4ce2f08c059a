import { AppError } from '../errors/index.js';
import { toWire, type Money, type WireMoney } from '../money/index.js';
import {
  OrderState,
  RejectionReason,
  SagaStep,
  StepOutcome,
  Order as OrderMessage,
  type BatchGetOrdersResult,
  type Order as WireOrder,
  type Rejection as WireRejection,
  type TimelineEntry as WireEntry,
} from '../pb/order/v1/order.js';
import { toStatus } from '../rpc/index.js';
import { isTerminal, rejectionOf, type Order, type Rejection, type TimelineEntry } from './domain.js';
import { orderUnreadable } from './operator/errors.js';

/** @throws RangeError for an order at a step of a later version */
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
    step: isTerminal(order.state) ? SagaStep.UNSPECIFIED : stepToWire(order.step),
    nextAttemptTime: order.nextAttemptAt,
  };
}

/** Converts the result of one order of a batch. Returns an error for an order that this version cannot represent. */
export function foundToWire(found: Order | Error): WireOrder | Error {
  if (found instanceof Error) return found;
  try {
    return orderToWire(found);
  } catch (error) {
    return orderUnreadable(found.id, error);
  }
}

export function resultToWire(result: WireOrder | Error): BatchGetOrdersResult {
  return result instanceof Error
    ? { outcome: { $case: 'status', value: toStatus(result) } }
    : { outcome: { $case: 'order', value: result } };
}

/** Clients accept messages of 4 MiB by default. */
const maxResponseBytes = 3 * 2 ** 20;
/** Orders with so many lines together are below the limit: a line has at most 1 kB on the wire. */
const smallResponseLines = 3000;

/** @throws AppError MESSAGE_TOO_LARGE with the number of orders, from the first on, that one response can carry */
export function requireResponseSize(results: readonly (WireOrder | Error)[]): void {
  const lines = results.reduce((sum, result) => sum + ('lines' in result ? result.lines.length : 0), 0);
  if (lines <= smallResponseLines) return;
  let bytes = 0;
  const fitting = results.findIndex((result) => {
    if (!(result instanceof Error)) bytes += OrderMessage.encode(result).finish().length;
    return bytes > maxResponseBytes;
  });
  if (fitting === -1) return;
  throw new AppError({
    reason: 'MESSAGE_TOO_LARGE',
    message: `the orders are larger than ${maxResponseBytes} bytes: read the first ${fitting} with one call`,
    metadata: { fitting_orders: String(fitting) },
  });
}

/** @throws RangeError for a value of a later version */
function stepToWire(step: Order['step']): SagaStep {
  if (!Object.hasOwn(SagaStep, step)) throw new RangeError(`unknown step ${step}`);
  return SagaStep[step];
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
