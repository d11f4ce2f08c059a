// Finds or installs what the verify targets need beside our own programs: tools, or all that a suite needs. One thing that is not to be had
// does not keep the others away: the tests say loudly what they could not check.
import { loadEnvironment } from '../../pkg/config/index.js';
import { obtainWanted, print } from '../tools/obtain-wanted.js';
import { inventoryFile } from './inventory.js';
import { obtainTool } from './obtain.js';
import { toolsOf } from './suites.js';
import type { Present, Tool } from './tool.js';
import { tools } from './tools.js';

const env = loadEnvironment();
const found = await obtainWanted<Tool, Present>({
  names: toolsOf(process.argv.slice(2)),
  tools,
  obtain: (tool, say) => obtainTool(tool, env, say),
  describe: ({ files }) => Object.values(files).join(', '),
});
inventoryFile.add(found);
const all = Object.values(found);
print(`${all.filter((one) => 'files' in one).length} of ${all.length} tools are there`);
