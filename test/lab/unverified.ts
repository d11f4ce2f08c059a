import { loadEnvironment, type Environment } from '../../pkg/config/index.js';

/** A check that this run did not perform. */
export interface Unverified {
  readonly name: string;
  /** Text after `NOT VERIFIED: ` in the output. */
  readonly what: string;
  readonly reason: string;
  readonly remedy: string;
}

/** Prints the checks in a frame of exclamation marks. `.ci/run` prints the lines of the frame again at its end. */
export function announce(all: readonly Unverified[]): void {
  if (all.length === 0) return;
  const lines = all.flatMap(({ what, reason, remedy }) => [
    `NOT VERIFIED: ${what}`,
    `  because: ${reason.replaceAll('\n', '\n    ')}`,
    `  needs: ${remedy}`,
  ]);
  const frame = '!'.repeat(78);
  process.stdout.write(`\n${frame}\n${lines.join('\n')}\n${frame}\n\n`);
}

/**
 * MAY_LACK lists the tools that may be missing, separated by spaces; `none` means that no tool may be missing. If MAY_LACK
 * is empty, every tool may be missing.
 * @throws Error with the missing tools that MAY_LACK does not list
 */
export function assertAllowedMissing(all: readonly Unverified[], env: Environment = loadEnvironment()): void {
  const allowed = env['MAY_LACK'] ?? '';
  if (allowed === '') return;
  const missing = all.filter(({ name }) => !allowed.split(/\s+/).includes(name));
  if (missing.length === 0) return;
  throw new Error(
    `missing tools that are not in MAY_LACK=${allowed}: ${missing.map(({ name }) => name).join(', ')}`,
  );
}
