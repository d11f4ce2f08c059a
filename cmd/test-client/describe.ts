import {
  OrderState,
  RejectionReason,
  SagaStep,
  StepOutcome,
  type Order,
  type TimelineEntry,
} from '../../pkg/pb/order/v1/order.js';
import { PaymentState, type Payment } from '../../pkg/pb/payment/v1/payment.js';
import { showAmount } from './amounts.js';

/** How an order ended, or where it stands: `CONFIRMED`, `REJECTED OUT_OF_STOCK`, `PENDING`. */
export function outcomeOf({ state, rejection }: Pick<Order, 'state' | 'rejection'>): string {
  return [OrderState[state], rejection && RejectionReason[rejection.reason]].filter(Boolean).join(' ');
}

/** What is known about a rejection beyond its reason, such as a decline code; may be empty. */
export function rejectionFacts({ rejection }: Order): string {
  if (!rejection) return '';
  const { declineCode, declineAdvice, skus } = rejection;
  return [declineCode, declineAdvice, ...skus].filter((fact) => fact !== '').join(', ');
}

/** Such as `3. AUTHORIZE_PAYMENT SUCCEEDED, PENDING, attempt 2`. */
export function describeEntry(entry: TimelineEntry): string {
  const { revision, fromState, toState, attempt, detail } = entry;
  const isMove = fromState !== toState && fromState !== OrderState.UNSPECIFIED;
  const states = isMove ? `${OrderState[fromState]} → ${OrderState[toState]}` : OrderState[toState];
  const facts = [states, attempt > 1 ? `attempt ${attempt}` : '', detail].filter((fact) => fact !== '');
  return `${revision}. ${stepOf(entry)}, ${facts.join(', ')}`;
}

/** Such as `AUTHORIZE_PAYMENT SUCCEEDED`. */
export function stepOf({ step, outcome }: Pick<TimelineEntry, 'step' | 'outcome'>): string {
  return `${SagaStep[step]} ${StepOutcome[outcome]}`;
}

/** State of a payment and what was kept of it: `CAPTURED 13.50 USD`. */
export function describePayment({ state, capturedAmount }: Payment): string {
  return `${PaymentState[state]} ${showAmount(capturedAmount)}`.trim();
}

/** How often each value occurs, in alphabetical order. */
export function tally(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values.toSorted()) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** Such as `50 CONFIRMED, 150 REJECTED OUT_OF_STOCK`. */
export function describeTally(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([value, count]) => `${count} ${value}`)
    .join(', ');
}
