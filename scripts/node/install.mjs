// Installs Node.js 24 from npm into .tools/node. make runs this script when the installed Node.js is older than 24. The script
// imports no packages. On a Node.js older than 20.19, it only prints which version to install.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';

const tools = '.tools';
const target = join(tools, 'node');
const name = `node-${process.platform}-${process.arch}`;
const { packages } = JSON.parse(fs.readFileSync(join('scripts', 'node', 'package-lock.json'), 'utf8'));
const pinned = packages[`node_modules/${name}`];
const remedy = 'install version 24 or newer (https://nodejs.org), with npm, and put it first on the PATH';

class InstallError extends Error {}

function canInstall() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return pinned !== undefined && (major > 20 || (major === 20 && minor >= 19));
}

/** Installs the pinned package as a required package, because npm ignores the failure of an optional package. */
function download(folder) {
  const manifest = { dependencies: { [name]: pinned.version } };
  const locked = { '': manifest, [`node_modules/${name}`]: { ...pinned, optional: false } };
  const lock = { lockfileVersion: 3, packages: locked };
  fs.writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  fs.writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  // The output of npm goes to standard error, because standard output is for the output of the make target.
  const { status, error } = spawnSync('npm', args, { cwd: folder, stdio: ['ignore', 2, 2] });
  if (error) throw new InstallError(`npm does not start: ${error.message}`);
  if (status !== 0) throw new InstallError(`npm cannot install ${name}@${pinned.version}`);
  return join(folder, 'node_modules', name);
}

function assertRuns(program) {
  const { stdout, stderr, error } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  if (stdout && stdout.trim() === `v${pinned.version}`) return;
  const cause = error ? error.message : stderr.trim().split('\n')[0];
  throw new InstallError(
    `${name}@${pinned.version} does not run on musl (Alpine) or a glibc older than 2.28: ${cause}`,
  );
}

function install() {
  fs.mkdirSync(tools, { recursive: true });
  const folder = fs.mkdtempSync(join(tools, '.node-'));
  try {
    const installed = download(folder);
    assertRuns(join(installed, 'bin', 'node'));
    fs.rmSync(target, { recursive: true, force: true });
    fs.renameSync(installed, target);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

try {
  const current = process.versions.node;
  if (!canInstall()) throw new InstallError(`Node.js ${current} is too old`);
  if (current !== pinned.version) {
    process.stderr.write(`make found Node.js ${current}: installing ${pinned.version} into ${target}\n`);
    install();
  }
} catch (error) {
  if (!(error instanceof InstallError)) throw error;
  process.stderr.write(`${error.message}\n${remedy}\n`);
  process.exitCode = 1;
}
