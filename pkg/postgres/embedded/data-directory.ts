import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Binaries } from './binaries.js';
import { isAlive } from './postmaster.js';
import { runProgram } from './run-program.js';
import type { User } from './system-user.js';

/** Name of the superuser in every embedded cluster. */
export const superuser = 'postgres';

const passwordFile = 'order-processing.password';
const supportedVersion = '18';

/**
 * Runs `initdb` unless the data directory exists, and returns the superuser's password. `initdb` writes to a
 * temporary directory that is renamed at the end, so that an interrupted run leaves no incomplete data directory.
 *
 * @throws Error when `data` has other content, or `initdb` fails
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
  if (!(await isDataDirectory(data))) {
    options.onProgress(`creating a PostgreSQL cluster in ${data}`);
    await removeLeftoverDrafts(data);
    await initialize(data, options);
  }
  return (await readFile(path.join(data, passwordFile), 'utf8')).trim();
}

async function isDataDirectory(data: string): Promise<boolean> {
  const files = await readdir(data).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (files.length === 0) return false;
  if (!files.includes('PG_VERSION') || !files.includes(passwordFile)) {
    throw new Error(
      `${data} is not empty and not a data directory of this project: remove it or choose another directory`,
    );
  }
  const version = (await readFile(path.join(data, 'PG_VERSION'), 'utf8')).trim();
  if (version === supportedVersion) return true;
  throw new Error(
    `${data} belongs to PostgreSQL ${version}, expected ${supportedVersion}: remove it or choose another directory`,
  );
}

async function initialize(
  data: string,
  { binaries, user, durable }: Parameters<typeof prepareData>[1],
): Promise<void> {
  const draft = `${data}.init-${process.pid}-${randomBytes(4).toString('hex')}`;
  const secret = `${draft}.password`;
  const password = randomBytes(24).toString('base64url');
  try {
    await mkdir(draft, { mode: 0o700 });
    await writeFile(secret, `${password}\n`, { mode: 0o600 });
    if (user) await Promise.all([draft, secret].map((file) => chown(file, user.uid, user.gid)));
    const { ok, output } = await runProgram(binaries.initdb, initdbArgs(draft, secret, durable), {
      user,
    });
    if (!ok) throw new Error(`initdb failed: ${output}`);
    await rename(secret, path.join(draft, passwordFile));
    await rename(draft, data).catch(async (error: unknown) => {
      // Another process created the data directory first.
      if (!(await isDataDirectory(data))) throw error;
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
    // The builtin provider sorts text equally on every machine.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(durable ? [] : ['--no-sync']),
  ];
}

async function removeLeftoverDrafts(data: string): Promise<void> {
  const parent = path.dirname(data);
  const prefix = `${path.basename(data)}.init-`;
  const names = (await readdir(parent)).filter((name) => name.startsWith(prefix));
  const leftover = names.filter((name) => !isAlive(Number.parseInt(name.slice(prefix.length), 10)));
  // Failures are ignored: the `initdb` of a killed process may still write files, and the next run removes these files.
  await Promise.allSettled(
    leftover.map((name) => rm(path.join(parent, name), { recursive: true, force: true })),
  );
}
