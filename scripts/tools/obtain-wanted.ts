import { wanted } from './choose.js';
import type { Installable, Missing } from './install.js';

interface Wanting<T, F> {
  /** Of the tools that are wanted; all of them without a name. */
  readonly names: readonly string[];
  readonly tools: Readonly<Record<string, T>>;
  obtain(tool: T, say: (text: string) => void): Promise<F | Missing>;
  /** Where it is, for people. */
  describe(found: F): string;
}

/** Finds or installs one tool after the other. One that is not to be had does not keep the others away. */
export async function obtainWanted<T extends Installable, F extends object>(
  wanting: Wanting<T, F>,
): Promise<Record<string, F | Missing>> {
  const outcomes: Record<string, F | Missing> = {};
  for (const tool of wanted(wanting.names, wanting.tools)) {
    const started = Date.now();
    const outcome = await wanting.obtain(tool, (text) => print(`  ${tool.name}: ${text}`));
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    print(
      `  ${tool.name}: ${isMissing(outcome) ? lament(outcome) : wanting.describe(outcome)} (${seconds} s)`,
    );
    outcomes[tool.name] = outcome;
  }
  return outcomes;
}

function isMissing(outcome: object): outcome is Missing {
  return 'reason' in outcome;
}

function lament({ reason, remedy }: Missing): string {
  return `NOT TO BE HAD: ${reason}\n    what would bring it: ${remedy}\n   `;
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
