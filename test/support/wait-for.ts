import { pause } from '../../pkg/runtime/index.js';

type Missing = undefined | null | false;

/**
 * Calls `probe` repeatedly until it returns a value, and returns this value. An error of `probe` is rethrown.
 * @param label noun phrase without article, such as `log line of the call`
 * @throws Error `no <label> within <timeoutMs> ms`
 */
export async function waitFor<T>(
  probe: () => T | Missing | Promise<T | Missing>,
  label: string,
  { timeoutMs = 15_000, intervalMs = 5 }: { readonly timeoutMs?: number; readonly intervalMs?: number } = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== null && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`no ${label} within ${timeoutMs} ms`);
    await pause(intervalMs);
  }
}
