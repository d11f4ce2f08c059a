import { announce, assertMayLack, type Unverified } from '../unverified.js';
import { capabilities, type Capability } from './capabilities.js';
import { lacks, startVerification, stopVerification } from './verification.js';

const startMs = 240_000;
const stopMs = 180_000;
const began = Date.now();

function say(message: string): void {
  const seconds = ((Date.now() - began) / 1000).toFixed(1).padStart(5);
  process.stdout.write(`  [${seconds} s] ${message}\n`);
}

// What runs here ends with this process: programs are killed, `dev` notices by itself.
for (const [signal, code] of [
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => process.exit(code));

/** Everything is started once for the whole run. */
export const mochaHooks = {
  async beforeAll(this: Mocha.Context): Promise<void> {
    this.timeout(startMs);
    announce(unverified());
    await startVerification(say);
    say('everything runs');
  },

  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(stopMs);
    say('stopping everything');
    await stopVerification();
    say('nothing is left');
    announce(unverified());
    assertMayLack(unverified());
  },
};

function unverified(): Unverified[] {
  return Object.entries(lacks).flatMap(([name, lack]) =>
    lack ? [{ name, what: capabilities[name as Capability], ...lack }] : [],
  );
}
