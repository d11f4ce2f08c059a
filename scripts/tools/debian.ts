import { readdirSync } from 'node:fs';
import path from 'node:path';
import { InstallError, TooLateError, type Workshop } from './workshop.js';

const downloadMs = 120_000;

/**
 * Downloads packages of this machine's Debian and unpacks them, without installing anything and without rights.
 * @returns the folder they are unpacked into
 * @throws InstallError where there is no apt, or no such package
 */
export async function unpackDebianPackages(workshop: Workshop, names: readonly string[]): Promise<string> {
  const { scratch } = workshop;
  await download(workshop, names);
  const into = path.join(scratch, 'packages');
  const archives = readdirSync(scratch).filter((name) => name.endsWith('.deb'));
  if (archives.length < names.length) throw new InstallError('apt-get downloaded too little');
  for (const archive of archives)
    await workshop.run({
      program: 'dpkg',
      args: ['-x', path.join(scratch, archive), into],
      limitMs: downloadMs,
      otherwise: 'dpkg failed',
    });
  return into;
}

async function download({ scratch, run }: Workshop, names: readonly string[]): Promise<void> {
  const apt = (args: readonly string[]) =>
    run({
      program: 'apt-get',
      args: ['-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=15', ...args],
      limitMs: downloadMs,
      otherwise: `apt-get ${args.at(-1) ?? ''} failed`,
    });
  // The lists of the system may be missing or old, and are not ours to renew.
  const ownLists = ['-o', `Dir::State::lists=${path.join(scratch, 'lists')}`, '-o', `Dir::Cache=${scratch}`];
  await apt(['download', ...names]).catch(async (error: unknown) => {
    if (error instanceof TooLateError) throw error;
    await apt([...ownLists, 'update']);
    await apt([...ownLists, 'download', ...names]);
  });
}
