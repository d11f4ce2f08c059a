// Runs the suites whose mocha configurations are named, and shows which lines of pkg they reach.
//
// One source is loaded in several forms: as CommonJS by mocha, as ESM by child processes, compiled from
// dist. V8 counts by offset in the loaded text, so only counts of the same form may be added; the forms
// are brought together afterwards, by line.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Report } from 'c8';

const options = JSON.parse(readFileSync('.c8rc.json', 'utf8'));
const folder = resolve('coverage');
const raw = join(folder, 'raw');

function runSuites(suites) {
  const command = [`NODE_V8_COVERAGE=${raw}`, 'sh', 'scripts/run-tests.sh', ...suites];
  return spawnSync('env', command, { stdio: ['ignore', 'inherit', 'inherit'] }).status;
}

/** What one process loaded: the shape of the text of each source. */
function formsIn(file) {
  const { 'source-map-cache': cache = {} } = JSON.parse(readFileSync(file, 'utf8'));
  return new Map(Object.entries(cache).map(([url, { lineLengths }]) => [url, String(lineLengths)]));
}

/** Sorts the files into folders within which every source has one form. */
function separateForms() {
  const groups = [];
  for (const name of readdirSync(raw)) {
    const forms = formsIn(join(raw, name));
    const agrees = (group) => [...forms].every(([url, form]) => (group.forms.get(url) ?? form) === form);
    let group = groups.find(agrees);
    if (!group) {
      group = { forms: new Map(), folder: join(folder, `form-${groups.length}`) };
      mkdirSync(group.folder, { recursive: true });
      groups.push(group);
    }
    for (const [url, form] of forms) group.forms.set(url, form);
    renameSync(join(raw, name), join(group.folder, name));
  }
  return groups.map((group) => group.folder);
}

async function report(folders) {
  const shown = new Report({ ...options, reportsDirectory: folder, tempDirectory: folders[0] });
  const total = await shown.getCoverageMapFromAllCoverageFiles();
  for (const tempDirectory of folders.slice(1)) {
    const others = new Report({ ...options, all: false, tempDirectory });
    // oxlint-disable-next-line no-await-in-loop -- each needs much memory
    total.merge(await others.getCoverageMapFromAllCoverageFiles());
  }
  shown.getCoverageMapFromAllCoverageFiles = () => Promise.resolve(total);
  await shown.run();
  return total.getCoverageSummary().lines.pct;
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(raw, { recursive: true });
const failed = runSuites(process.argv.slice(2)) !== 0;
const folders = separateForms();
const lines = await report(folders);
for (const done of [raw, ...folders]) rmSync(done, { recursive: true, force: true });
process.stdout.write(`\n${lines} % of lines, at least ${options.lines} % wanted\n`);
process.exitCode = failed || lines < options.lines ? 1 : 0;
