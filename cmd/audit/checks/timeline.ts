import { OrderState, SagaStep, type Order, type TimelineEntry } from '../../../pkg/pb/order/v1/order.js';
import { isLegalTransition } from './order-states.js';
import { violationsOf } from './violations.js';

/** A violation of one entry, or of the whole timeline when `revision` is undefined. */
export interface TimelineViolation {
  readonly revision: number | undefined;
  readonly violation: string;
}

/** Invariant 7: the timeline of an order has no gaps, contains legal transitions only and ends in the order's state. */
export function timelineViolations(order: Order, timeline: readonly TimelineEntry[]): TimelineViolation[] {
  const last = timeline.at(-1);
  const violations = violationsOf({
    'the timeline is empty': timeline.length === 0,
    [`the order has revision ${order.revision}, but its timeline ends at revision ${last?.revision}`]:
      last?.revision !== order.revision,
    [`the order is ${OrderState[order.state]}, but its timeline ends in another state`]:
      last?.toState !== order.state,
  });
  return [
    ...violations.map((violation) => ({ revision: undefined, violation })),
    ...timeline.flatMap((entry, index) =>
      entryViolations(entry, timeline[index - 1]).map((violation) => ({
        revision: entry.revision,
        violation,
      })),
    ),
  ];
}

function entryViolations(entry: TimelineEntry, previous: TimelineEntry | undefined): string[] {
  const { revision, fromState, toState } = entry;
  const expectedRevision = (previous?.revision ?? 0) + 1;
  const expectedFrom = previous?.toState ?? OrderState.UNSPECIFIED;
  return violationsOf({
    [`the revision should be ${expectedRevision}`]: revision !== expectedRevision,
    [`the previous state is ${OrderState[fromState]} instead of ${OrderState[expectedFrom]}`]:
      fromState !== expectedFrom,
    [`${OrderState[fromState]} → ${OrderState[toState]} is not a legal transition`]: !isLegalTransition(
      fromState,
      toState,
    ),
    'the entry is earlier than the previous entry':
      (entry.time?.getTime() ?? 0) < (previous?.time?.getTime() ?? 0),
  });
}

const ended: ReadonlySet<OrderState> = new Set([OrderState.REJECTED, OrderState.CANCELLED]);

/** Invariant 5, as far as a timeline shows it: a terminal state changes only by a requested cancellation. */
export function terminalStateViolations(timeline: readonly TimelineEntry[]): TimelineViolation[] {
  return timeline.flatMap(({ revision, fromState, toState, step }) => {
    const [from, to] = [OrderState[fromState], OrderState[toState]];
    const isChange = fromState !== toState;
    const isCancellation = fromState === OrderState.CONFIRMED && toState === OrderState.CANCELLING;
    return violationsOf({
      [`the terminal state ${from} changed to ${to}`]: isChange && ended.has(fromState),
      [`the terminal state CONFIRMED changed to ${to}`]:
        isChange && fromState === OrderState.CONFIRMED && !isCancellation,
      'the CONFIRMED order was cancelled without a request':
        isCancellation && step !== SagaStep.REQUEST_CANCELLATION,
    }).map((violation) => ({ revision, violation }));
  });
}
