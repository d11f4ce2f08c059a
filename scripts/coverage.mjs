// Runs the suites of the given mocha configurations and reports the line coverage of pkg.
//
// A source file is loaded in several forms: mocha loads it as CommonJS, child processes load it as ESM, and built
// processes load the output of tsc from dist. V8 counts by offset in the loaded text, so counts by offset are added
// only if they belong to the same form. The counts of the forms are then merged by line.
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

/** Returns the line lengths of each source that one process loaded. The line lengths identify the form of a source. */
function formsIn(file) {
  const { 'source-map-cache': cache = {} } = JSON.parse(readFileSync(file, 'utf8'));
  return new Map(Object.entries(cache).map(([url, { lineLengths }]) => [url, String(lineLengths)]));
}

/** Moves the coverage files into folders, so that a folder has at most one form of each source. Returns the folders. */
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
    // oxlint-disable-next-line no-await-in-loop -- one report at a time, because a report needs much memory
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
process.stdout.write(`\n${lines} % of lines, minimum ${options.lines} %\n`);
process.exitCode = failed || lines < options.lines ? 1 : 0;
