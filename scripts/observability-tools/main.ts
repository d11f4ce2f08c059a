// Finds or installs what verify-observability runs beside our own services. One thing that is not to be
// had does not keep the others away; the exit code tells whether all are there.
import { loadEnvironment } from '../../pkg/config/index.js';
import { obtainWanted, print } from '../tools/obtain-wanted.js';
import { inventoryFile } from './inventory.js';
import { jaeger } from './jaeger.js';
import { loki } from './loki.js';
import { obtainTool } from './obtain.js';
import { otelcol } from './otelcol.js';
import { prometheus } from './prometheus.js';
import type { Present, Tool, ToolName } from './tool.js';

const tools: Readonly<Record<ToolName, Tool>> = { prometheus, jaeger, otelcol, loki };
const env = loadEnvironment();

const started = Date.now();
const found = await obtainWanted<Tool, Present>({
  names: process.argv.slice(2),
  tools,
  obtain: (tool, say) => obtainTool(tool, env, say),
  describe: ({ address, programs }) => address ?? Object.values(programs).join(', '),
});
inventoryFile.add(found);
const missing = Object.values(found).filter((one) => 'reason' in one).length;
const all = Object.keys(found).length;
print(`${all - missing} of ${all} tools are there (${Math.round((Date.now() - started) / 1000)} s)`);
process.exitCode = missing === 0 ? 0 : 1;
