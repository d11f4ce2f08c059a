/** Bounds of the interval between two polls of a payment that waits for its customer. */
const minMs = 2000;
const maxMs = 30_000;

/** The interval is this part of the time that the payment has waited. */
const waitingPart = 1 / 4;

/** Maximum jitter, as a part of the interval. It spreads the polls of orders that began to wait at the same time. */
const jitterPart = 1 / 5;

export interface WaitingTimes {
  /** Time since the payment began to wait. */
  readonly waitingMs: number;
  /** Time until the due time of the action; negative after it. */
  readonly untilDueMs: number;
}

/**
 * Returns the time until a payment that waits for its customer is polled again. The interval grows with the time that the
 * payment has waited: a customer who acts soon sees the result soon, and many customers who do not act cause few polls.
 */
export function actionPollDelayMs({ waitingMs, untilDueMs }: WaitingTimes, random = Math.random): number {
  const withJitter = (ms: number): number => ms * (1 + jitterPart * random());
  // The payment service decides at the due time. A poll shortly after the due time gets this decision.
  if (untilDueMs <= 0) return withJitter(minMs);
  const intervalMs = Math.min(maxMs, Math.max(minMs, waitingMs * waitingPart));
  return Math.min(withJitter(intervalMs), untilDueMs);
}
