import { setTimeout as delay } from 'node:timers/promises';
import type { WaitLimits } from './wait-limits.js';

/**
 * Waits `ms` or until `signal` aborts. Never rejects.
 * @returns false when `signal` aborted the wait
 */
export async function pause(ms: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, signal ? { signal } : {});
    return true;
  } catch {
    return false;
  }
}

/**
 * Waits for a promise until `deadline` (milliseconds since the epoch) passes or `signal` aborts.
 * Returns undefined when the promise is still pending at that time; the pending work is not cancelled. Rejects when the
 * promise rejects.
 */
export async function waitUntil<T>(
  promise: Promise<T>,
  { deadline = Infinity, signal }: WaitLimits,
): Promise<T | undefined> {
  let end = (): void => undefined;
  const ended = new Promise<undefined>((resolve) => {
    end = () => resolve(undefined);
  });
  const timer = Number.isFinite(deadline) ? setTimeout(end, Math.max(0, deadline - Date.now())) : undefined;
  if (signal?.aborted) end();
  signal?.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([promise, ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  }
}

export interface Backoff {
  /** Upper bound of the delay after the first attempt. */
  readonly baseMs: number;
  /** Upper bound of every delay. */
  readonly capMs: number;
}

/**
 * Returns the delay after attempt number `attempt`, counted from 1: exponential backoff with full jitter, uniform in
 * [0, min(cap, base * 2^(attempt-1))).
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function backoffMs(attempt: number, { baseMs, capMs }: Backoff, random = Math.random): number {
  return random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
}

/**
 * Runs `task` immediately and then repeatedly, with `intervalMs` between two runs. `close` aborts the signal of the
 * task, waits for the current run and ends the loop. A failed run is passed to `onError`, and the loop continues.
 */
export function every(
  intervalMs: number,
  task: (signal: AbortSignal) => Promise<void>,
  onError: (error: unknown) => void,
): { close(): Promise<void> } {
  const stop = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await task(stop.signal);
      } catch (error) {
        onError(error);
      }
      await pause(intervalMs, stop.signal);
    }
  };
  const running = loop();
  return {
    close: () => {
      stop.abort();
      return running;
    },
  };
}
