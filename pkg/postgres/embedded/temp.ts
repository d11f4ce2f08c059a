import { access, constants } from 'node:fs/promises';
import os from 'node:os';
import { canEnter } from './user.js';

/** An id that stands for "everybody": it owns nothing. */
const stranger = { uid: 2 ** 31 - 2, gid: 2 ** 31 - 2 };

/** A directory for temporary files that every user can enter; TMPDIR may be private, or missing. */
export async function publicTemp(): Promise<string> {
  for (const directory of [os.tmpdir(), '/tmp', '/var/tmp']) {
    if (await isPublic(directory)) return directory;
  }
  return os.tmpdir();
}

async function isPublic(directory: string): Promise<boolean> {
  try {
    await access(directory, constants.W_OK);
    return await canEnter(stranger, directory);
  } catch {
    return false;
  }
}
