import { AppError } from '../../errors/index.js';

/** Time between the deadline on the server and the deadline of the caller, for the transfer of the response. */
export const deadlineMarginMs = 20;
/** Calls with less than this time until the deadline are rejected. */
export const minBudgetMs = 5;

export interface DeadlineLimits {
  readonly defaultDeadlineMs: number;
  readonly maxDeadlineMs: number;
}

export interface RequestedDeadline {
  /** Deadline of the caller in milliseconds since the epoch; Infinity when the caller sets no deadline. */
  readonly requested: number;
  readonly isStream: boolean;
  readonly now: number;
}

/**
 * Returns the deadline of a call on the server. Unary calls have a default and a maximum; streams may have no deadline.
 * The deadline is earlier than requested by {@link deadlineMarginMs} or a fifth of the remaining time, whichever is
 * less. Without this margin, clients would reset the HTTP/2 streams of expired calls, and nghttp2 closes connections
 * with many resets.
 */
export function effectiveDeadline(
  { requested, isStream, now }: RequestedDeadline,
  limits: DeadlineLimits,
): number {
  const withMargin = requested - Math.min(deadlineMarginMs, (requested - now) / 5);
  if (isStream) return withMargin;
  const effective = Number.isFinite(withMargin) ? withMargin : now + limits.defaultDeadlineMs;
  return Math.min(effective, now + limits.maxDeadlineMs);
}

/** @throws AppError DEADLINE_TOO_SHORT when less than {@link minBudgetMs} remains */
export function assertBudget(deadline: number, now: number): void {
  if (deadline - now >= minBudgetMs) return;
  throw new AppError({
    reason: 'DEADLINE_TOO_SHORT',
    message: 'too little time remains before the deadline',
  });
}

const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};
/** A day is less than the maximum of the 32-bit timer in grpc-js. */
const maxTimeoutMs = 24 * 3_600_000;

/**
 * Validates a `grpc-timeout` header (gRPC over HTTP/2: at most eight digits and a unit) and limits the timeout to one
 * day. By itself, grpc-js parses `1.5S` as five seconds and `600H` as zero.
 * @returns the normalized header; undefined for a malformed header
 */
export function normalizeTimeout(header: string): string | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(header);
  if (!match) return undefined;
  const ms = Number(match[1]) * (unitMs[match[2] ?? ''] ?? 0);
  return ms > maxTimeoutMs ? `${maxTimeoutMs}m` : header;
}
