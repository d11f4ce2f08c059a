import { OrderState, StepOutcome, type Order, type TimelineEntry } from '../../../pkg/pb/order/v1/order.js';
import type { Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { awaitsGateway } from './gateway.js';
import { isTerminal } from './order-states.js';

/** Longest time from the start of an order, or of its cancellation, to a terminal state. */
export const terminalTimeoutMs = 30_000;

/**
 * Longest time without progress of an order whose payment or refund is pending. It does not apply while the gateway's own
 * record says that its decision is pending; otherwise, the payment waits only for the payment service.
 */
export const undecidedTimeoutMs = 600_000;

export interface OrderRecords {
  readonly order: Order;
  readonly timeline: readonly TimelineEntry[];
  readonly payments: readonly Payment[];
}

/** Why an order is unfinished: an accepted reason to wait, still within the timeout, or 'LATE'. */
export type Progress = 'TERMINAL' | 'RUNNING' | 'BLOCKED' | 'AWAITS_CUSTOMER' | 'AWAITS_GATEWAY' | 'LATE';

/**
 * Invariant 6: an order becomes terminal within {@link terminalTimeoutMs}, unless it waits for its customer, the
 * gateway or an operator. See {@link undecidedTimeoutMs} for the gateway.
 */
export function progressOf({ order, timeline, payments }: OrderRecords, now: number): Progress {
  if (isTerminal(order)) return 'TERMINAL';
  if (order.blockedReason !== '') return 'BLOCKED';
  if (now - unfinishedSince(order, timeline) <= terminalTimeoutMs) return 'RUNNING';
  const dueTime = order.paymentAction?.dueTime;
  if (dueTime && now - dueTime.getTime() <= terminalTimeoutMs) return 'AWAITS_CUSTOMER';
  const undecided = payments.filter(awaitsGateway);
  if (undecided.some(({ audit }) => audit?.pending)) return 'AWAITS_GATEWAY';
  const isOverdue = now - progressedAt(order, timeline) > undecidedTimeoutMs;
  return undecided.length > 0 && !isOverdue ? 'AWAITS_GATEWAY' : 'LATE';
}

/** Time of the last step or action with a definite result. Attempts in doubt are no progress. */
function progressedAt(order: Order, timeline: readonly TimelineEntry[]): number {
  const progressed = timeline.findLast(({ outcome }) => outcome !== StepOutcome.IN_DOUBT);
  return Math.max(progressed?.time?.getTime() ?? 0, unfinishedSince(order, timeline));
}

/** Time of the entry with which the order became PENDING or CANCELLING. */
export function unfinishedSince(order: Order, timeline: readonly TimelineEntry[]): number {
  const entered = timeline.find(({ fromState, toState }) => toState === order.state && fromState !== toState);
  const time = order.state === OrderState.CANCELLING ? (entered?.time ?? order.updateTime) : order.createTime;
  return time?.getTime() ?? 0;
}
