import { AppError } from '../errors/index.js';

/** How long before the caller's deadline the answer is sent, so that it arrives in time, milliseconds. */
export const shaveMs = 20;
/** With less time than this left, a call is refused instead of begun, milliseconds. */
export const usefulMs = 5;

export interface DeadlineLimits {
  readonly defaultDeadlineMs: number;
  readonly maxDeadlineMs: number;
}

/** What a caller asked for, milliseconds since the epoch; Infinity: no deadline. */
export interface Asked {
  readonly requested: number;
  readonly isStream: boolean;
  readonly now: number;
}

/**
 * The deadline that a server works to. Unary calls get a default and are cut to a maximum; streams
 * may be open-ended. Twenty milliseconds, but never more than a fifth of the time, are kept back so
 * that the answer leaves before the caller gives up: a burst of expired calls would make nghttp2
 * reset the connection for everybody on it.
 */
export function effectiveDeadline({ requested, isStream, now }: Asked, limits: DeadlineLimits): number {
  const shaved = requested - Math.min(shaveMs, (requested - now) / 5);
  if (isStream) return shaved;
  const asked = Number.isFinite(shaved) ? shaved : now + limits.defaultDeadlineMs;
  return Math.min(asked, now + limits.maxDeadlineMs);
}

/** @throws AppError DEADLINE_TOO_SHORT when nothing useful can be done in the time left */
export function refuseIfTooLate(deadline: number, now: number): void {
  if (deadline - now >= usefulMs) return;
  throw new AppError({
    reason: 'DEADLINE_TOO_SHORT',
    message: 'too little time is left to do anything useful',
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
/** Longest timeout passed on to grpc-js, which hands it to a 32-bit timer. */
const maxTimeoutMs = 24 * 3_600_000;

/**
 * Checks a `grpc-timeout` header (gRPC over HTTP/2: at most eight digits and a unit) and cuts it to a
 * day. grpc-js reads `1.5S` as five seconds and `600H` as now.
 * @returns the header to use, or undefined when it is malformed
 */
export function normalizeTimeout(header: string): string | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(header);
  if (!match) return undefined;
  const ms = Number(match[1]) * (unitMs[match[2] ?? ''] ?? 0);
  return ms > maxTimeoutMs ? `${maxTimeoutMs}m` : header;
}
