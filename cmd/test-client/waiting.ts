import { pause } from '../../pkg/runtime/wait.js';

export interface Bound {
  /** Names what is waited for, in the error. */
  readonly what: string;
  /** Milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const pollMs = 50;

/**
 * Asks again and again until there is an answer.
 * @throws Error when it does not come in time; the signal's reason when aborted
 */
export async function until<T>(poll: () => Promise<T | undefined>, bound: Bound): Promise<T> {
  const deadline = performance.now() + bound.timeoutMs;
  for (;;) {
    const found = await poll();
    if (found !== undefined) return found;
    if (performance.now() >= deadline) throw tooLate(bound);
    await pause(pollMs, bound.signal);
    bound.signal.throwIfAborted();
  }
}

/**
 * Waits for a promise, but not longer.
 * @throws as {@link until}
 */
export async function within<T>(promise: Promise<T>, bound: Bound): Promise<T> {
  const waiting = new AbortController();
  const limit = pause(bound.timeoutMs, AbortSignal.any([waiting.signal, bound.signal])).then(() => {
    bound.signal.throwIfAborted();
    throw tooLate(bound);
  });
  limit.catch(() => undefined);
  try {
    return await Promise.race([promise, limit]);
  } finally {
    waiting.abort();
  }
}

function tooLate({ what, timeoutMs }: Bound): Error {
  return new Error(`waited ${timeoutMs / 1000} s for ${what}`);
}
