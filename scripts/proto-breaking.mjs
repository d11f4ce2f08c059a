// Compares the contract with its version in the commit where this branch left main. On main, compares the contract
// with HEAD if the contract has uncommitted changes, else with the commit before HEAD.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Returns the output of git, or undefined when git fails. */
function git(...args) {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

const commitOf = (name) => git('rev-parse', '--verify', '--quiet', `${name}^{commit}`);

/** Returns the commit to compare with, or the reason why there is no such commit. */
function findBase() {
  const head = commitOf('HEAD');
  if (head === undefined) return { reason: 'this is not a git checkout with a commit' };
  const main = commitOf('origin/main') ?? commitOf('main');
  if (main === undefined) return { reason: 'neither origin/main nor main exists: fetch main' };
  // In a shallow clone, the commit where the branch left main may be missing.
  const base = git('merge-base', 'HEAD', main) ?? main;
  if (base !== head) return { base };
  if (git('status', '--porcelain', '--', 'api') !== '') return { base: head };
  const previous = commitOf('HEAD~1');
  return previous === undefined
    ? { reason: 'main has one commit, or the clone is shallow: fetch at least two commits' }
    : { base: previous };
}

function compare(base, folder) {
  const archive = join(folder, 'base.tar');
  const present = git('ls-tree', '--name-only', base, 'api', 'buf.yaml').split('\n');
  execFileSync('git', ['archive', '--format=tar', '-o', archive, base, ...present]);
  execFileSync('tar', ['-xf', archive, '-C', folder]);
  rmSync(archive);
  const buf = join('node_modules', '.bin', 'buf');
  return spawnSync(buf, ['breaking', '--against', folder], { stdio: 'inherit' }).status;
}

const { base, reason } = findBase();
const missing = reason ?? (git('ls-tree', base, 'api') === '' ? `commit ${base} has no api` : undefined);
if (missing !== undefined) {
  process.stdout.write(`WARNING: nothing to compare the contract with: ${missing}\n`);
} else {
  process.stdout.write(`comparing with ${git('log', '-1', '--format=%h %s', base)}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'order-processing-contract-'));
  try {
    process.exitCode = compare(base, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
