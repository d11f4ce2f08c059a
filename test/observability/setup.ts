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
    summarize();
    await startVerification(say);
    say('everything runs');
  },

  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(stopMs);
    say('stopping everything');
    await stopVerification();
    say('nothing is left');
    summarize();
  },
};

/** Loud, so that nobody takes what was not looked at for seen. */
function summarize(): void {
  const missing = Object.entries(lacks).flatMap(([name, lack]) =>
    lack ? [{ name: name as Capability, ...lack }] : [],
  );
  if (missing.length === 0) return;
  const lines = missing.flatMap(({ name, reason, remedy }) => [
    `NOT VERIFIED: ${capabilities[name]}`,
    `  because: ${reason.replaceAll('\n', '\n    ')}`,
    `  what would bring it: ${remedy}`,
  ]);
  const frame = '!'.repeat(78);
  process.stdout.write(`\n${frame}\n${lines.join('\n')}\n${frame}\n\n`);
}
