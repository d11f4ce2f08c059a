import type { Refusal, Waiting } from './plan.js';

/** Times of the database of the inventory service. */
export interface ReservationLifetime {
  readonly reservedAt: Date;
  readonly expiresAt: Date;
}

/** Time after the due time of a payment action in which the payment service still decides on the action. */
const actionGraceMs = 30_000;

/** Maximum time between the due time of a payment action and the expiry of the reservation, for the commit. */
const maxCommitMarginMs = 30_000;
/** The margin of a short reservation is this part of its lifetime. */
const commitMarginPart = 1 / 10;

/** Returns the latest due time of a payment action, so that a customer who acts in time gets the reserved stock. */
export function latestDueTime({ reservedAt, expiresAt }: ReservationLifetime): Date {
  const lifetimeMs = expiresAt.getTime() - reservedAt.getTime();
  return new Date(expiresAt.getTime() - Math.min(maxCommitMarginMs, lifetimeMs * commitMarginPart));
}

/** Returns the answer with a due time that is not later than `latest`. */
export function limitDueTime(answer: Waiting, latest: Date): Waiting {
  const { url, dueAt } = answer.action;
  return dueAt <= latest ? answer : { kind: 'waiting', action: { url, dueAt: latest }, isLimited: true };
}

/** The refusal of a payment whose customer did not act in time. The payment may be authorized later. */
export const overdue: Refusal = {
  kind: 'refused',
  rejection: { reason: 'PAYMENT_ACTION_EXPIRED' },
  detail: 'PAYMENT_ACTION_EXPIRED',
  effect: 'UNKNOWN',
};

/**
 * Returns a refusal for a payment that still waits for its customer after a limited due time, or long after the due time
 * of the payment service, so that an order ends even if the gateway never expires the action.
 * @param now time of the database; the clock of a replica may be wrong
 */
export function refuseOverdue(answer: Waiting, now: Date): Waiting | Refusal {
  const { action, isLimited = false } = answer;
  // The payment service does not know a limited due time, so it decides nothing then.
  const graceMs = isLimited ? 0 : actionGraceMs;
  return now.getTime() <= action.dueAt.getTime() + graceMs ? answer : overdue;
}
