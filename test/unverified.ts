import { loadEnvironment, type Environment } from '../pkg/config/index.js';

/** Something that cannot be verified here. */
export interface Unverified {
  readonly name: string;
  readonly what: string;
  readonly reason: string;
  readonly remedy: string;
}

/** Loud, so that nobody takes what was not looked at for seen. */
export function announce(all: readonly Unverified[]): void {
  if (all.length === 0) return;
  const lines = all.flatMap(({ what, reason, remedy }) => [
    `NOT VERIFIED: ${what}`,
    `  because: ${reason.replaceAll('\n', '\n    ')}`,
    `  what would bring it: ${remedy}`,
  ]);
  const frame = '!'.repeat(78);
  process.stdout.write(`\n${frame}\n${lines.join('\n')}\n${frame}\n\n`);
}

/**
 * With MAY_LACK, names apart by spaces (`none` is nobody's), nothing else may be unverified.
 * @throws Error that names what is
 */
export function assertMayLack(all: readonly Unverified[], env: Environment = loadEnvironment()): void {
  const allowed = env['MAY_LACK'] ?? '';
  if (allowed === '') return;
  const refused = all.filter(({ name }) => !allowed.split(/\s+/).includes(name));
  if (refused.length === 0) return;
  throw new Error(`MAY_LACK=${allowed}, but there is no ${refused.map(({ name }) => name).join(', ')}`);
}
