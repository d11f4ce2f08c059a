import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { compiledArguments, services } from '../cmd/dev/services/service-spec.js';
import { loadEnvironment, type Environment } from '../pkg/config/index.js';
import type { Scope } from '../pkg/runtime/index.js';

/** A compiled version of the services. */
export interface Version {
  readonly name: string;
  /** Directory that contains `dist`. */
  readonly root: string;
}

const lockFile = 'package-lock.json';

export function workingTree(): Version {
  return { name: 'the working tree', root: process.cwd() };
}

/**
 * Checks out and compiles a commit in a git worktree. Closing `scope` removes the worktree.
 * @throws Error when the commit does not exist or does not compile
 */
export async function buildCommit(commit: string, scope: Scope): Promise<Version> {
  const sha = git('rev-parse', '--verify', '--quiet', `${commit}^{commit}`).trim();
  const root = path.resolve('.data/upgrade', sha.slice(0, 12));
  removeWorktree(root);
  scope.defer(() => removeWorktree(root));
  git('worktree', 'add', '--quiet', '--force', '--detach', root, sha);
  const hasSameLock = readFileSync(path.join(root, lockFile)).equals(readFileSync(lockFile));
  if (hasSameLock) symlinkSync(path.resolve('node_modules'), path.join(root, 'node_modules'));
  else await run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], { cwd: root });
  await run('npm', ['run', '--silent', 'build'], { cwd: root });
  return { name: `commit ${sha.slice(0, 12)}`, root };
}

/** Applies the migrations of a version to the database of each service. */
export async function migrateTo(version: Version, databaseUrl: (database: string) => string): Promise<void> {
  for (const service of services) {
    const env = { DATABASE_URL: databaseUrl(service.database), LOG_LEVEL: 'warn' };
    await run(process.execPath, [...compiledArguments(service, version.root), '--migrate'], { env });
  }
}

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Environment;
}

/** Runs a program with the Node.js version of this process. The output of the program goes to the error stream. */
async function run(program: string, args: readonly string[], { cwd, env }: RunOptions): Promise<void> {
  const inherited = loadEnvironment();
  const PATH = [path.dirname(process.execPath), inherited['PATH']].join(path.delimiter);
  const child = spawn(program, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...inherited, PATH, ...env },
    stdio: ['ignore', process.stderr, process.stderr],
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} failed (${signal ?? `exit code ${code}`})`);
}

function removeWorktree(root: string): void {
  git('worktree', 'prune');
  if (git('worktree', 'list', '--porcelain').includes(`worktree ${root}\n`))
    git('worktree', 'remove', '--force', root);
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
