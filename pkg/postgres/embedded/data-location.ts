import { createHash } from 'node:crypto';
import { access, chown, lstat, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findPostmaster } from './postmaster.js';
import { canEnter, publicTemp, type User } from './system-user.js';

const relocatedName = /^order-processing-[0-9a-f]{16}$/;
/** File with the path of the requested data directory. */
const originFile = 'origin';

/**
 * Returns the path of the data directory. If `user` cannot enter the parent of `dataDir`, the data directory is in a
 * private directory with a hash of `dataDir` in its name, below the temporary directory of the system.
 */
export async function locateData(dataDir: string, user: User | undefined): Promise<string> {
  const requested = path.resolve(dataDir);
  if (user === undefined || (await canEnter(user, path.dirname(requested)))) return requested;
  const hash = createHash('sha256').update(requested).digest('hex').slice(0, 16);
  return path.join(await publicTemp(), `order-processing-${hash}`, 'data');
}

/**
 * Creates the parent of the data directory, removes leftover relocated directories and returns the path of the data
 * directory.
 *
 * @throws Error when another user owns the private directory
 */
export async function prepareLocation(dataDir: string, user: User | undefined): Promise<string> {
  const requested = path.resolve(dataDir);
  await mkdir(path.dirname(requested), { recursive: true });
  const data = await locateData(requested, user);
  if (user === undefined || data === requested) return data;
  const relocated = path.dirname(data);
  await createPrivate(relocated, user);
  await writeOrigin(relocated, requested);
  await removeLeftovers(path.dirname(relocated));
  return data;
}

/** Returns the owner of existing data unless root is the owner. PostgreSQL must run as the owner of its data. */
export async function ownerOf(data: string): Promise<User | undefined> {
  const found = await stat(data).catch(() => undefined);
  return found && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : undefined;
}

async function createPrivate(directory: string, user: User): Promise<void> {
  await mkdir(directory, { mode: 0o700 }).catch(ignoreExisting);
  const found = await lstat(directory);
  const isOwn = found.uid === 0 || found.uid === user.uid;
  if (!found.isDirectory() || !isOwn || (found.mode & 0o077) !== 0) {
    throw new Error(`${directory} belongs to another user: remove it`);
  }
  await chown(directory, user.uid, user.gid);
}

async function writeOrigin(relocated: string, dataDir: string): Promise<void> {
  // Root writes this file. Without the exclusive flag the write would follow a symbolic link of another user.
  const options = { mode: 0o600, flag: 'wx' };
  await writeFile(path.join(relocated, originFile), dataDir, options).catch(ignoreExisting);
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

async function removeLeftovers(temp: string): Promise<void> {
  const names = (await readdir(temp)).filter((name) => relocatedName.test(name));
  await Promise.allSettled(names.map((name) => removeIfLeftover(path.join(temp, name), temp)));
}

/**
 * Removes relocated data if the parent of the requested directory was below `temp` and no longer exists. Outside of
 * `temp`, a missing parent may be on a disk that is not mounted.
 */
async function removeIfLeftover(relocated: string, temp: string): Promise<void> {
  const origin = await readFile(path.join(relocated, originFile), 'utf8');
  if (!origin.startsWith(temp + path.sep) || (await exists(path.dirname(origin)))) return;
  if (await findPostmaster(path.join(relocated, 'data'))) return;
  await rm(relocated, { recursive: true });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
