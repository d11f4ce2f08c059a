// Finds or installs what verify-deployments needs beside our own programs. One thing that is not to be had
// does not keep the others away: the tests say loudly what they could not check.
import { loadEnvironment } from '../../pkg/config/index.js';
import { readInventory, writeInventory, type Inventory } from './inventory.js';
import { obtainTool } from './obtain.js';
import { toolNames, type Found, type Tool } from './tool.js';
import { tools } from './tools.js';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

function wanted(names: readonly string[]): Tool[] {
  const unknown = names.filter((name) => !(name in tools));
  if (unknown.length > 0)
    throw new Error(`no such tool: ${unknown.join(', ')}; there are ${toolNames.join(', ')}`);
  return toolNames.filter((name) => names.length === 0 || names.includes(name)).map((name) => tools[name]);
}

function describe(found: Found): string {
  if ('files' in found) return Object.values(found.files).join(', ');
  return `NOT TO BE HAD: ${found.reason}\n    what would bring it: ${found.remedy}`;
}

const inventory: Record<string, Found> = {};
const env = loadEnvironment();
for (const tool of wanted(process.argv.slice(2))) {
  const started = Date.now();
  const found = await obtainTool(tool, env, (text) => print(`  ${tool.name}: ${text}`));
  print(`  ${tool.name}: ${describe(found)} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  inventory[tool.name] = found;
}
// Those that were not asked for stay as they were.
writeInventory({ ...readInventory(), ...(inventory as Inventory) });
const all = Object.values(inventory);
print(`${all.filter((found) => 'files' in found).length} of ${all.length} tools are there`);
