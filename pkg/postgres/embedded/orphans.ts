import { access, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findPostmaster } from './postmaster.js';

const homePattern = /^order-processing-[0-9a-f]{16}$/;
const originFile = 'origin';

/** Notes in the directory that stands in for `dataDir` whose data it holds. */
export async function noteOrigin(home: string, dataDir: string): Promise<void> {
  // Exclusive, because root writes here and must not follow a link that another user has put there.
  const written = writeFile(path.join(home, originFile), dataDir, { mode: 0o600, flag: 'wx' });
  await written.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/**
 * Removes stand-ins below `temp` for directories that are gone, such as those of a checkout that was
 * itself temporary. An origin outside `temp` may be on a disk that is only not mounted: it is kept.
 */
export async function removeOrphans(temp: string): Promise<void> {
  const names = (await readdir(temp)).filter((name) => homePattern.test(name));
  await Promise.allSettled(names.map((name) => removeIfOrphan(path.join(temp, name), temp)));
}

async function removeIfOrphan(home: string, temp: string): Promise<void> {
  const origin = await readFile(path.join(home, originFile), 'utf8');
  if (!origin.startsWith(temp + path.sep) || (await exists(path.dirname(origin)))) return;
  if (await findPostmaster(path.join(home, 'data'))) return;
  await rm(home, { recursive: true });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
