import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadEnvironment, type Environment } from '../../pkg/config/index.js';
import type { ControlPlane } from './control-plane.js';
import { fileOf } from './tools.js';

export interface Ended {
  readonly code: number | null;
  /** Of both streams. */
  readonly output: string;
}

/** Runs a command of scripts/deploy-k8s or scripts/release on a cluster to its end. */
export function runScript(
  { kubeconfig }: Pick<ControlPlane, 'kubeconfig'>,
  [script, command]: readonly ['deploy-k8s' | 'release', string],
  env: Environment,
): Promise<Ended> {
  const child = spawn(process.execPath, ['--import=tsx', `scripts/${script}/main.ts`, command], {
    env: {
      ...loadEnvironment(),
      KUBECONFIG: kubeconfig,
      KUBECTL: fileOf('kubectl', 'kubectl'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** A kustomize whose output is edited by a command of sed: what an installation would write into its overlay. */
export function kustomizeAnd({ folder }: ControlPlane, edit: string): string {
  const file = path.join(folder, `kustomize-${randomUUID()}`);
  writeFileSync(file, `#!/bin/sh\n'${fileOf('kustomize', 'kustomize')}' "$@" | sed '${edit}'\n`, {
    mode: 0o755,
  });
  return file;
}
