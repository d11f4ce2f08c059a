import { setTimeout as delay } from 'node:timers/promises';

/** Waits, or returns early when `signal` aborts; never rejects. Returns false when it was aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, signal ? { signal } : {});
    return true;
  } catch {
    return false;
  }
}

export interface Backoff {
  /** Upper bound of the first wait, milliseconds. */
  readonly baseMs: number;
  /** Upper bound of every wait, milliseconds. */
  readonly capMs: number;
}

/**
 * How long to wait before the attempt after `attempt` (from 1): exponential backoff with full
 * jitter, uniform in [0, min(cap, base * 2^(attempt-1))).
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function backoffMs(attempt: number, { baseMs, capMs }: Backoff, random = Math.random): number {
  return random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
}

/**
 * Runs `task` again and again, `intervalMs` apart, until closed; `close` waits for the run under way.
 * A failing run is reported and does not end the loop.
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
