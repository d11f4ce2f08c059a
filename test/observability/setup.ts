import { missingFor, unverifiedReport } from '../lab/requirements.js';
import { announce } from '../lab/unverified.js';
import { startParts, stopParts } from './running.js';

const startMs = 240_000;
const stopMs = 180_000;
const began = Date.now();

function say(message: string): void {
  const seconds = ((Date.now() - began) / 1000).toFixed(1).padStart(5);
  process.stdout.write(`  [${seconds} s] ${message}\n`);
}

// The exit handlers of this process end its child programs, so a signal must cause an ordinary exit.
for (const [signal, code] of [
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => process.exit(code));

/** Starts the services and the stack once, before all tests, and stops them after all tests. */
export const mochaHooks = {
  async beforeAll(this: Mocha.Context): Promise<void> {
    this.timeout(startMs);
    announce(missingFor('observability'));
    await startParts(say);
    say('everything runs');
  },

  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(stopMs);
    say('stopping everything');
    await stopParts();
    say('everything is stopped');
  },
};

export const mochaGlobalTeardown = unverifiedReport('observability');
