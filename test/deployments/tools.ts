import { spawnSync } from 'node:child_process';
import { inventoryFile } from '../../scripts/deployment-tools/inventory.js';
import type { ToolName } from '../../scripts/deployment-tools/tool.js';
import { tools } from '../../scripts/deployment-tools/tools.js';
import type { Unverified } from '../unverified.js';

const inventory = inventoryFile.read();

/** Path of a file that a tool brings. */
export function fileOf(tool: ToolName, name: string): string {
  const found = inventory[tool];
  const file = found && 'files' in found ? found.files[name] : undefined;
  if (file === undefined) throw new Error(`${name} is not here: make deployment-tools`);
  return file;
}

export function isHere(tool: ToolName): boolean {
  const found = inventory[tool];
  return found !== undefined && 'files' in found;
}

/** A suite that needs tools: without one of them it is left out, and the end of the run says so. */
export function describeWith(needed: readonly ToolName[], title: string, suite: () => void): void {
  if (needed.every(isHere)) describe(title, suite);
}

/** What is not checked here without these tools, and what would bring it. */
export function unverified(needed: readonly ToolName[]): Unverified[] {
  return needed.flatMap((name) => {
    const found = inventory[name];
    if (found && 'files' in found) return [];
    const { reason, remedy } = found ?? {
      reason: `${name} was not looked for`,
      remedy: `make deployment-tools TOOLS=${name}`,
    };
    return [{ name, what: tools[name].checks, reason: reason.split('\n', 1)[0] ?? '', remedy }];
  });
}

/** Runs a program to its end; returns its standard output. @throws Error with what it said when it fails */
export function runTool(program: string, args: readonly string[], input = ''): string {
  const options = { encoding: 'utf8', input, maxBuffer: 64 * 1024 * 1024 } as const;
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}
