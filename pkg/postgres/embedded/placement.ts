import { createHash } from 'node:crypto';
import { chown, lstat, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { noteOrigin, removeOrphans } from './orphans.js';
import { publicTemp } from './temp.js';
import { canEnter, type User } from './user.js';

/**
 * Where the data of `dataDir` really is. When `user` cannot enter the directories above it, the
 * data goes to a private directory under the system's temporary one, the same one every time.
 */
export async function locateData(dataDir: string, user: User | undefined): Promise<string> {
  const wanted = path.resolve(dataDir);
  if (user === undefined || (await canEnter(user, path.dirname(wanted)))) return wanted;
  const hash = createHash('sha256').update(wanted).digest('hex').slice(0, 16);
  return path.join(await publicTemp(), `order-processing-${hash}`, 'data');
}

/**
 * Makes the directory around the data and returns where the data goes.
 *
 * @throws Error when a stranger already has a directory of that name
 */
export async function placeData(dataDir: string, user: User | undefined): Promise<string> {
  const wanted = path.resolve(dataDir);
  await mkdir(path.dirname(wanted), { recursive: true });
  const data = await locateData(wanted, user);
  if (user === undefined || data === wanted) return data;
  const home = path.dirname(data);
  await secureHome(home, user);
  await noteOrigin(home, wanted);
  await removeOrphans(path.dirname(home));
  return data;
}

/** Whom the data belongs to, if there is any: as root, PostgreSQL must run as that user. */
export async function ownerOf(data: string): Promise<User | undefined> {
  const found = await stat(data).catch(() => undefined);
  return found && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : undefined;
}

async function secureHome(home: string, user: User): Promise<void> {
  await mkdir(home, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const found = await lstat(home);
  const ours = found.uid === 0 || found.uid === user.uid;
  if (!found.isDirectory() || !ours || (found.mode & 0o077) !== 0) {
    throw new Error(`${home} belongs to somebody else: remove it`);
  }
  await chown(home, user.uid, user.gid);
}
