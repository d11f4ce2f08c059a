// Finds or installs what verify-observability runs beside our own services. One thing that is not to be
// had does not keep the others away; the exit code tells whether all are there.
import { loadEnvironment, type Environment } from '../../pkg/config/index.js';
import { readInventory, writeInventory, type Inventory } from './inventory.js';
import { jaeger } from './jaeger.js';
import { loki } from './loki.js';
import { obtainTool } from './obtain.js';
import { otelcol } from './otelcol.js';
import { prometheus } from './prometheus.js';
import { toolNames, type Found, type Tool, type ToolName } from './tool.js';

const tools: Readonly<Record<ToolName, Tool>> = { prometheus, jaeger, otelcol, loki };

const print = (text: string): void => void process.stdout.write(`${text}\n`);

function wanted(names: readonly string[]): Tool[] {
  const unknown = names.filter((name) => !(name in tools));
  if (unknown.length > 0)
    throw new Error(`no such tool: ${unknown.join(', ')}; there are ${toolNames.join(', ')}`);
  return toolNames.filter((name) => names.length === 0 || names.includes(name)).map((name) => tools[name]);
}

async function obtainAll(names: readonly string[], env: Environment): Promise<Inventory> {
  const found: Record<string, Inventory[ToolName]> = {};
  for (const tool of wanted(names)) {
    const started = Date.now();
    const outcome = await obtainTool(tool, env, (text) => print(`  ${tool.name}: ${text}`));
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    print(`  ${tool.name}: ${describe(outcome)} (${seconds} s)`);
    found[tool.name] = outcome;
  }
  return found;
}

function describe(found: Found): string {
  if ('reason' in found)
    return `NOT TO BE HAD: ${found.reason}\n    what would bring it: ${found.remedy}\n   `;
  return found.address ?? Object.values(found.programs).join(', ');
}

const started = Date.now();
const inventory = await obtainAll(process.argv.slice(2), loadEnvironment());
// Those that were not asked for stay as they were.
writeInventory({ ...readInventory(), ...inventory });
const missing = Object.values(inventory).filter((found) => !('programs' in found)).length;
const all = Object.keys(inventory).length;
print(`${all - missing} of ${all} tools are there (${Math.round((Date.now() - started) / 1000)} s)`);
process.exitCode = missing === 0 ? 0 : 1;
