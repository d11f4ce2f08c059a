import {
  OrderState,
  RejectionReason,
  SagaStep,
  StepOutcome,
  type Order,
  type TimelineEntry,
} from '../../../pkg/pb/order/v1/order.js';
import { PaymentState, type Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { formatAmount } from '../../audit/checks/amounts.js';

/** Formats the state and the rejection reason of an order, such as `CONFIRMED`, `REJECTED OUT_OF_STOCK`, `PENDING`. */
export function outcomeOf({ state, rejection }: Pick<Order, 'state' | 'rejection'>): string {
  return [OrderState[state], rejection && RejectionReason[rejection.reason]].filter(Boolean).join(' ');
}

/** Formats the decline code, decline advice and SKUs of a rejected order. The text is empty for other orders. */
export function rejectionDetails({ rejection }: Order): string {
  if (!rejection) return '';
  const { declineCode, declineAdvice, skus } = rejection;
  return [declineCode, declineAdvice, ...skus].filter((detail) => detail !== '').join(', ');
}

/** Formats a timeline entry, such as `3. AUTHORIZE_PAYMENT SUCCEEDED, PENDING, attempt 2`. */
export function formatTimelineEntry(entry: TimelineEntry): string {
  const { revision, fromState, toState, attempt, detail } = entry;
  const isTransition = fromState !== toState && fromState !== OrderState.UNSPECIFIED;
  const states = isTransition ? `${OrderState[fromState]} → ${OrderState[toState]}` : OrderState[toState];
  const details = [states, attempt > 1 ? `attempt ${attempt}` : '', detail].filter((text) => text !== '');
  return `${revision}. ${formatStep(entry)}, ${details.join(', ')}`;
}

/** Formats the step and outcome of a timeline entry, such as `AUTHORIZE_PAYMENT SUCCEEDED`. */
export function formatStep({ step, outcome }: Pick<TimelineEntry, 'step' | 'outcome'>): string {
  return `${SagaStep[step]} ${StepOutcome[outcome]}`;
}

/** Formats the state and the captured amount of a payment, such as `CAPTURED 13.50 USD`. */
export function formatPayment({ state, capturedAmount }: Payment): string {
  return `${PaymentState[state]} ${formatAmount(capturedAmount)}`.trim();
}

/** Counts the occurrences of each value. The values are sorted alphabetically. */
export function countValues(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values.toSorted()) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** Formats counts, such as `50 CONFIRMED, 150 REJECTED OUT_OF_STOCK`. */
export function formatCounts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([value, count]) => `${count} ${value}`)
    .join(', ');
}
