import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';

/** A user of the operating system. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root, so root lends it one of these, in this order. */
const candidates = ['postgres', '_postgres', 'nobody', 'daemon'];

/**
 * Whom PostgreSQL must run as: undefined for ourselves.
 *
 * @throws Error when we are root and the system has no user to lend
 */
export async function serverUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = parseUsers(await readFile('/etc/passwd', 'utf8'));
  for (const name of candidates) {
    const user = users.get(name);
    if (user) return user;
  }
  throw new Error(
    'PostgreSQL does not run as root and there is no user "postgres" or "nobody" to run it as; ' +
      'run as another user or set DATABASE_URL to a server of your own',
  );
}

/** Unprivileged users of an `/etc/passwd`, by name. */
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
 * Whether `user` can enter `directory`, judged by the permission bits of it and all above it; for
 * one that does not exist, by those of its nearest ancestor that does.
 */
export async function canEnter(user: User | undefined, directory: string): Promise<boolean> {
  if (user === undefined) return true;
  for (let at = await existing(directory); ; at = path.dirname(at)) {
    if (!grantsEntry(await stat(at), user)) return false;
    if (at === path.dirname(at)) return true;
  }
}

async function existing(directory: string): Promise<string> {
  try {
    return await realpath(directory);
  } catch {
    return existing(path.dirname(directory));
  }
}

function grantsEntry(at: { mode: number; uid: number; gid: number }, user: User): boolean {
  if (at.uid === user.uid) return (at.mode & 0o100) !== 0;
  if (at.gid === user.gid) return (at.mode & 0o010) !== 0;
  return (at.mode & 0o001) !== 0;
}
