import { AppError, isAppError } from '../errors/index.js';

/** Limits the wait of one call in a queue. Work that has begun is not interrupted. */
export interface WaitLimits {
  /** Milliseconds since the epoch. */
  readonly deadline?: number;
  readonly signal?: AbortSignal;
}

/** Longest delay of a timer of Node.js; a longer delay would fire immediately. */
const maxDelayMs = 2 ** 31 - 1;

export function hasEnded({ deadline = Infinity, signal }: WaitLimits): boolean {
  return signal?.aborted === true || Date.now() >= deadline;
}

/**
 * Returns the error of a caller that no longer waits: the reason of its signal, or DEADLINE_EXCEEDED.
 * @param message for DEADLINE_EXCEEDED
 */
export function waitEnded({ signal }: WaitLimits, message: string): AppError {
  if (signal?.aborted !== true) return new AppError({ reason: 'DEADLINE_EXCEEDED', message });
  const reason: unknown = signal.reason;
  return isAppError(reason)
    ? reason
    : new AppError({ reason: 'CANCELLED', message: 'the call was cancelled', cause: reason });
}

/**
 * Calls `end` once, at the deadline or when the signal aborts. The signal must not be aborted yet.
 * @returns a function that ends the observation without a call of `end`
 */
export function onWaitEnd({ deadline = Infinity, signal }: WaitLimits, end: () => void): () => void {
  const stop = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', endOnce);
  };
  const endOnce = (): void => {
    stop();
    end();
  };
  const remainingMs = Math.max(0, deadline - Date.now());
  const timer = remainingMs > maxDelayMs ? undefined : setTimeout(endOnce, remainingMs);
  signal?.addEventListener('abort', endOnce, { once: true });
  return stop;
}
