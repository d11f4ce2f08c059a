import { access, constants, readFile, realpath, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

/** A user of the operating system. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL does not run as root: if this process is root, the first existing user of this list runs PostgreSQL. */
const candidates = ['postgres', '_postgres', 'nobody', 'daemon'];

/** A user that owns no file and is in no group, so that only the permissions for "other" users apply. */
const anyUser: User = { uid: 2 ** 31 - 2, gid: 2 ** 31 - 2 };

/**
 * Returns the user that runs the PostgreSQL programs; undefined means the current user.
 *
 * @throws Error when the current user is root and none of the candidates exists
 */
export async function serverUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = parseUsers(await readFile('/etc/passwd', 'utf8'));
  for (const name of candidates) {
    const user = users.get(name);
    if (user) return user;
  }
  throw new Error(
    'PostgreSQL does not run as root, and this machine has no user "postgres" or "nobody" that could run it; ' +
      'run this program as another user or set DATABASE_URL to another PostgreSQL server',
  );
}

/** Parses the text of `/etc/passwd` and returns the unprivileged users by name. */
export function parseUsers(passwd: string): Map<string, User> {
  const users = new Map<string, User>();
  for (const line of passwd.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    const user = { uid: Number(uid), gid: Number(gid) };
    if (name !== undefined && user.uid > 0 && user.gid > 0) users.set(name, user);
  }
  return users;
}

/**
 * Returns true if the permission bits of `directory` and of all its ancestors let `user` enter. For a missing
 * directory the check starts at the nearest existing ancestor.
 */
export async function canEnter(user: User | undefined, directory: string): Promise<boolean> {
  if (user === undefined) return true;
  for (let current = await nearestExisting(directory); ; current = path.dirname(current)) {
    if (!grantsEntry(await stat(current), user)) return false;
    if (current === path.dirname(current)) return true;
  }
}

async function nearestExisting(directory: string): Promise<string> {
  try {
    return await realpath(directory);
  } catch {
    return nearestExisting(path.dirname(directory));
  }
}

function grantsEntry(directory: { mode: number; uid: number; gid: number }, user: User): boolean {
  if (directory.uid === user.uid) return (directory.mode & 0o100) !== 0;
  if (directory.gid === user.gid) return (directory.mode & 0o010) !== 0;
  return (directory.mode & 0o001) !== 0;
}

/** Returns a temporary directory that every user can enter, because TMPDIR may be private or missing. */
export async function publicTemp(): Promise<string> {
  for (const directory of [os.tmpdir(), '/tmp', '/var/tmp']) {
    if (await isPublic(directory)) return directory;
  }
  return os.tmpdir();
}

async function isPublic(directory: string): Promise<boolean> {
  try {
    await access(directory, constants.W_OK);
    return await canEnter(anyUser, directory);
  } catch {
    return false;
  }
}
