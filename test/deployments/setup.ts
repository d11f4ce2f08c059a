import { lacks } from './tools.js';

export const mochaHooks = {
  /** Loud: what was not looked at must not pass for what was. */
  afterAll(): void {
    const missing = lacks();
    if (missing.length === 0) return;
    const lines = missing.flatMap(({ checks, reason, remedy }) => [
      `NOT VERIFIED: ${checks}`,
      `  because: ${reason}`,
      `  what would bring it: ${remedy}`,
    ]);
    const frame = '!'.repeat(78);
    process.stdout.write(`\n${frame}\n${lines.join('\n')}\n${frame}\n\n`);
  },
};
