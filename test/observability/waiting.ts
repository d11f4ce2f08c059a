import { waitFor } from '../support/wait-for.js';

/** Exports, scrapes and queries of the stack take seconds. */
const defaultMs = 20_000;
const intervalMs = 250;

/** Calls {@link waitFor} with a timeout and an interval that suit the observability stack. */
export function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false>,
  timeoutMs = defaultMs,
): Promise<T> {
  return waitFor(probe, what, { timeoutMs, intervalMs });
}

/**
 * Repeats assertions until they pass.
 * @throws the last failure
 */
export async function eventuallyPasses(check: () => Promise<unknown>, timeoutMs = defaultMs): Promise<void> {
  let failure: unknown;
  const passes = (): Promise<boolean> =>
    check().then(
      () => true,
      (error: unknown) => {
        failure = error;
        return false;
      },
    );
  await eventually('passing assertion', passes, timeoutMs).catch(() => {
    throw failure;
  });
}
