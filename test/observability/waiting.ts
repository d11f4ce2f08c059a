import { setTimeout as delay } from 'node:timers/promises';
import { loadEnvironment } from '../../pkg/config/index.js';
import { runElsewhere } from './capabilities.js';

const pollMs = 250;
/** Elsewhere Prometheus looks every 15 s, and the Collector waits longer for whole traces. */
const defaultWaitMs = runElsewhere(loadEnvironment()) ? 60_000 : 20_000;

/**
 * Asks again and again until there is an answer.
 * @throws Error when it does not come within `waitMs`
 */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  waitMs = defaultWaitMs,
): Promise<T> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() >= deadline) throw new Error(`waited ${waitMs / 1000} s for ${what}`);
    await delay(pollMs);
  }
}

/**
 * Checks again and again until nothing is wrong.
 * @throws what was wrong last, when that does not end within `waitMs`
 */
export async function becomesTrue(check: () => Promise<unknown>, waitMs = defaultWaitMs): Promise<void> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const wrong = await check().then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    if (!wrong) return;
    if (Date.now() >= deadline) throw wrong.error;
    await delay(pollMs);
  }
}
