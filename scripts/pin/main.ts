// make pin: replaces tags of actions by commits and adds digests to tags of images, in place. Prints the changes and the
// references that cannot be resolved. ARGS="--git https://git.example --registry https://mirror.example" selects mirrors.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadEnvironment } from '../../pkg/config/index.js';
import { pinnedFiles } from './files.js';
import { gitTags } from './git-tags.js';
import { pin } from './pin.js';
import { registryDigests } from './registry.js';

const { values } = parseArgs({
  options: {
    git: { type: 'string', default: 'https://github.com' },
    registry: { type: 'string' },
    root: { type: 'string', default: '.' },
  },
});

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const sources = { tags: gitTags(values.git, loadEnvironment()), digests: registryDigests(values.registry) };
const unreachable = new Set<string>();
const alarms = new Set<string>();
let changes = 0;
for (const file of pinnedFiles(values.root)) {
  const before = readFileSync(file, 'utf8');
  const after = await pin(before, sources);
  if (after.text !== before) writeFileSync(file, after.text);
  for (const change of after.changes) print(`${file}: ${change}`);
  changes += after.changes.length;
  for (const one of after.unreachable) unreachable.add(one);
  for (const one of after.alarms) alarms.add(`${file}: ${one}`);
}
print(changes === 0 ? 'nothing changed' : `${changes} references pinned`);
for (const one of unreachable) print(`NOT RESOLVED: ${one}`);
for (const one of alarms) print(`LOOK AT THIS: ${one}`);
process.exitCode = unreachable.size + alarms.size > 0 ? 1 : 0;
