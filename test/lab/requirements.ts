import { spawnSync } from 'node:child_process';
import { readInventory } from './tools/install.js';
import { suites, toolOf, type Suite, type ToolName } from './tools/table.js';
import { announce, assertAllowedMissing, type Unverified } from './unverified.js';

const inventory = readInventory();

/** @throws Error when the tool is unavailable */
export function fileOf(tool: ToolName, name: string = tool): string {
  const found = inventory[tool];
  const file = found && 'files' in found ? found.files[name] : undefined;
  if (file === undefined)
    throw new Error(`${name} is unavailable: run make deployment-tools observability-tools`);
  return file;
}

export function isAvailable(tool: ToolName): boolean {
  const found = inventory[tool];
  return found !== undefined && 'files' in found;
}

/** Defines the suite if all tools in `needed` are available. The run reports missing tools at its end. */
export function describeWith(needed: readonly ToolName[], title: string, suite: () => void): void {
  if (needed.every(isAvailable)) describe(title, suite);
}

/**
 * Returns a global teardown of mocha that reports which checks the run did not perform. If every tool is missing, no test
 * is defined, but mocha still calls the teardown.
 * @param limits returns the checks that the suite cannot perform although all tools are available
 */
export function unverifiedReport(suite: Suite, limits: () => readonly Unverified[] = () => []): () => void {
  return () => {
    const missing = missingFor(suite);
    announce([...missing, ...(missing.length === 0 ? limits() : [])]);
    assertAllowedMissing(missing);
  };
}

export function missingFor(suite: Suite): Unverified[] {
  return suites[suite].flatMap((name) => {
    const found = inventory[name];
    if (found && 'files' in found) return [];
    const { reason, remedy } = found ?? {
      reason: 'no command has looked for this tool yet',
      remedy: `make deployment-tools TOOLS=${name}`,
    };
    return [{ name, what: toolOf(name).checks, reason: reason.split('\n', 1)[0] ?? '', remedy }];
  });
}

/**
 * Runs a program to its end.
 * @returns the standard output of the program
 * @throws Error with the output of the program when the program fails
 */
export function runTool(program: string, args: readonly string[], input = ''): string {
  const options = { encoding: 'utf8', input, maxBuffer: 64 * 1024 * 1024 } as const;
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}
