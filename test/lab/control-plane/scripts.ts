import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadEnvironment, type Environment } from '../../../pkg/config/index.js';
import { fileOf } from '../requirements.js';
import type { ControlPlane } from './control-plane.js';

export interface Ended {
  readonly code: number | null;
  /** Text of standard output and standard error. */
  readonly output: string;
}

/** Runs a command of scripts/deploy-k8s or scripts/release on a cluster, and waits until the command ends. */
export function runScript(
  { kubeconfig }: Pick<ControlPlane, 'kubeconfig'>,
  [script, command]: readonly ['deploy-k8s' | 'release', string],
  env: Environment,
): Promise<Ended> {
  const tools = { KUBECONFIG: kubeconfig, KUBECTL: fileOf('kubectl'), KUSTOMIZE: fileOf('kustomize') };
  const child = spawn(process.execPath, ['--import=tsx', `scripts/${script}/main.ts`, command], {
    env: { ...loadEnvironment(), ...tools, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, output }));
  });
}

/**
 * Writes a script that runs kustomize and edits the output with the sed command `edit`. The edit stands for changes that an
 * administrator makes to an overlay.
 * @returns the path of the script
 */
export function kustomizeAnd({ folder }: ControlPlane, edit: string): string {
  const file = path.join(folder, `kustomize-${randomUUID()}`);
  writeFileSync(file, `#!/bin/sh\n'${fileOf('kustomize')}' "$@" | sed '${edit}'\n`, { mode: 0o755 });
  return file;
}
