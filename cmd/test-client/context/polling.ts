import { pause } from '../../../pkg/runtime/index.js';

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly intervalMs?: number;
  readonly signal: AbortSignal;
}

/**
 * Repeats `probe` until it returns a value. Returns undefined after the timeout.
 * @throws the reason of the signal after an abort
 */
export async function poll<T>(
  probe: () => Promise<T | undefined>,
  { timeoutMs, intervalMs = 50, signal }: WaitOptions,
): Promise<T | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined || performance.now() >= deadline) return value;
    await pause(intervalMs, signal);
    signal.throwIfAborted();
  }
}

/**
 * Returns the result of `promise`.
 * @throws Error with `message` after the timeout; the reason of the signal after an abort
 */
export async function withTimeout<T>(
  promise: Promise<T>,
  message: string,
  { timeoutMs, signal }: WaitOptions,
): Promise<T> {
  const settled = new AbortController();
  const timeout = pause(timeoutMs, AbortSignal.any([settled.signal, signal])).then(() => {
    signal.throwIfAborted();
    throw new Error(`${message} within ${timeoutMs / 1000} s`);
  });
  timeout.catch(() => undefined);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    settled.abort();
  }
}
