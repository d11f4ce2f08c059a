import { readFileSync, renameSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { InstallError } from '../tools/workshop.js';
import type { Tool } from './tool.js';

/** That of the images. */
const [, version = ''] =
  /^FROM .*\bnode:([\d.]+)-/m.exec(readFileSync('deployments/docker/Dockerfile', 'utf8')) ?? [];

/** The Node.js of the images, to run what they hold: elsewhere an older one may be installed. */
export const node: Tool = {
  name: 'node',
  version,
  files: ['node'],
  checks: 'the images with their Node.js',
  remedy: 'the npm registry, on Linux; or IMAGE_NODE, the path of that Node.js',
  install: async ({ scratch, target, run }) => {
    if (os.platform() !== 'linux') throw new InstallError('the images hold Linux');
    const name = `node-linux-${os.arch()}`;
    const args = [
      'install',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--prefix',
      scratch,
      `${name}@${version}`,
    ];
    await run({ program: 'npm', args, limitMs: 180_000, otherwise: `npm does not give ${name}@${version}` });
    const folder = path.join(scratch, 'node_modules', name);
    const installed = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
      version: string;
    };
    if (installed.version !== version) throw new InstallError(`another version: ${installed.version}`);
    renameSync(path.join(folder, 'bin/node'), path.join(target, 'node'));
  },
};

/** Debian's and others' package of PostgreSQL's client; images bring their own. */
export const psql: Tool = {
  name: 'psql',
  version: 'installed',
  files: ['psql'],
  onPath: ['psql'],
  checks: 'the script that makes the databases, with psql',
  remedy: 'psql on the PATH (the package postgresql-client)',
  install: () => Promise.reject(new InstallError('psql is not installed')),
};
