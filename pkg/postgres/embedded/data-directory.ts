import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Binaries } from './binaries.js';
import { isAlive } from './postmaster.js';
import { runProgram } from './run.js';
import type { User } from './user.js';

/** Superuser of every embedded cluster. */
export const superuser = 'postgres';

const passwordFile = 'order-processing.password';
const supportedVersion = '18';

/**
 * Makes the cluster's files unless they exist, and returns the superuser's password. The files are
 * made beside `data` and renamed, so that a run that was interrupted leaves nothing half-finished.
 *
 * @throws Error when `data` holds something else, or initdb fails
 */
export async function prepareData(
  data: string,
  options: {
    binaries: Binaries;
    user: User | undefined;
    durable: boolean;
    onProgress: (message: string) => void;
  },
): Promise<string> {
  if (!(await holdsCluster(data))) {
    options.onProgress(`creating a PostgreSQL cluster in ${data}`);
    await removeAbandonedDrafts(data);
    await initialise(data, options);
  }
  return (await readFile(path.join(data, passwordFile), 'utf8')).trim();
}

async function holdsCluster(data: string): Promise<boolean> {
  const files = await readdir(data).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (files.length === 0) return false;
  if (!files.includes('PG_VERSION') || !files.includes(passwordFile)) {
    throw new Error(`${data} is not empty and not a cluster of ours: remove it or name another`);
  }
  const version = (await readFile(path.join(data, 'PG_VERSION'), 'utf8')).trim();
  if (version === supportedVersion) return true;
  throw new Error(
    `${data} was made by PostgreSQL ${version}, this is ${supportedVersion}: remove it or name another`,
  );
}

async function initialise(
  data: string,
  { binaries, user, durable }: Parameters<typeof prepareData>[1],
): Promise<void> {
  const draft = `${data}.init-${process.pid}-${randomBytes(4).toString('hex')}`;
  const secret = `${draft}.password`;
  const password = randomBytes(24).toString('base64url');
  try {
    await mkdir(draft, { mode: 0o700 });
    await writeFile(secret, `${password}\n`, { mode: 0o600 });
    if (user) await Promise.all([draft, secret].map((at) => chown(at, user.uid, user.gid)));
    const { ok, output } = await runProgram(binaries.initdb, initdbArgs(draft, secret, durable), {
      user,
    });
    if (!ok) throw new Error(`initdb failed: ${output}`);
    await rename(secret, path.join(draft, passwordFile));
    await rename(draft, data).catch(async (error: unknown) => {
      // Somebody else's cluster came first: it is as good as ours.
      if (!(await holdsCluster(data))) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
    await rm(secret, { force: true });
  }
}

function initdbArgs(directory: string, secret: string, durable: boolean): string[] {
  return [
    `--pgdata=${directory}`,
    `--username=${superuser}`,
    '--auth=scram-sha-256',
    `--pwfile=${secret}`,
    '--encoding=UTF8',
    // Sorting and case rules that are the same on every machine.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(durable ? [] : ['--no-sync']),
  ];
}

async function removeAbandonedDrafts(data: string): Promise<void> {
  const parent = path.dirname(data);
  const prefix = `${path.basename(data)}.init-`;
  const names = (await readdir(parent)).filter((name) => name.startsWith(prefix));
  const abandoned = names.filter((name) => !isAlive(Number.parseInt(name.slice(prefix.length), 10)));
  // The initdb of a process that was killed may still be writing; what it leaves goes next time.
  await Promise.allSettled(
    abandoned.map((name) => rm(path.join(parent, name), { recursive: true, force: true })),
  );
}
