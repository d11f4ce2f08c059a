import { loadEnvironment } from '../../pkg/config/index.js';
import { Scope } from '../../pkg/runtime/scope.js';
import { inventoryFile } from '../../scripts/observability-tools/inventory.js';
import type { ToolName } from '../../scripts/observability-tools/tool.js';
import { lacksOf, runElsewhere, type Capability, type Lacks } from './capabilities.js';
import { programOf, runParts, useRunning, type Parts } from './parts.js';

const env = loadEnvironment();
const inventory = inventoryFile.read();
const scope = new Scope();
let parts: Parts | undefined;

/** What cannot be verified here. */
export const lacks: Lacks = lacksOf(env, inventory);

/** Starts all that can be had. */
export async function startVerification(say: (message: string) => void): Promise<void> {
  const options = { env, inventory, lacks, scope, say };
  parts = runElsewhere(env) ? useRunning(options) : await runParts(options);
}

export function stopVerification(): Promise<void> {
  return scope.close();
}

/** Skips the tests of a block where something is not to be had; the summary says what and why. */
export function needs(...wanted: readonly Capability[]): void {
  before(function () {
    if (wanted.some((one) => lacks[one] !== undefined)) this.skip();
  });
}

/**
 * What runs for the tests.
 * @throws Error for what does not run: then the block has not said that it {@link needs} it
 */
export function running<N extends keyof Parts>(name: N): NonNullable<Parts[N]> {
  const part = parts?.[name];
  if (part === undefined) throw new Error(`${name} does not run`);
  return part;
}

/** The Collector as it was at the start; nothing where none runs here. */
export async function restoreCollector(): Promise<void> {
  await parts?.collector?.close();
  await parts?.collector?.start();
}

/** The file of a program that was found. */
export function program(tool: ToolName, name: string = tool): string {
  return programOf(inventory, tool, name);
}

/** Where spans go, undefined where nothing takes them. */
export function tracesEndpoint(): string | undefined {
  return lacks.traces ? undefined : (parts?.collector?.endpoint ?? env['OTEL_EXPORTER_OTLP_ENDPOINT']);
}
