// Finds or installs the tools that the arguments name. An argument is the name of a tool or of a suite. An unavailable tool does
// not stop the installation of the next tool. The exit code is 1 when a tool is unavailable.
import { addToInventory, findOrInstall, type Found } from './install.js';
import { toolsOf } from './table.js';

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const found: Record<string, Found> = {};
for (const tool of toolsOf(process.argv.slice(2))) {
  const started = Date.now();
  const outcome = await findOrInstall(tool, (text) => print(`  ${tool.name}: ${text}`));
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const text =
    'files' in outcome
      ? Object.values(outcome.files).join(', ')
      : `UNAVAILABLE: ${outcome.reason}\n    needs: ${outcome.remedy}\n   `;
  print(`  ${tool.name}: ${text} (${seconds} s)`);
  found[tool.name] = outcome;
}
addToInventory(found);
const outcomes = Object.values(found);
const available = outcomes.filter((outcome) => 'files' in outcome).length;
print(`${available} of ${outcomes.length} tools are available`);
process.exitCode = available === outcomes.length ? 0 : 1;
