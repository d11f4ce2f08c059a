import { spawnSync } from 'node:child_process';
import type { Environment } from '../../pkg/config/index.js';

/** Something that a person can put right; its message says how. */
export class DeployError extends Error {
  override readonly name = 'DeployError';
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** kubectl, as the environment has it: KUBECONFIG and the like choose the cluster. */
export class Kubectl {
  readonly #program: string;
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#program = env['KUBECTL'] || 'kubectl';
    this.#env = env;
  }

  /** @throws DeployError when kubectl is not there */
  try(args: readonly string[], input = ''): Ran {
    const options = { encoding: 'utf8', input, env: this.#env, maxBuffer: 64 * 1024 * 1024 } as const;
    const { status, stdout, stderr, error } = spawnSync(this.#program, args, options);
    if (error) throw new DeployError(`${this.#program} cannot be run: install kubectl, or set KUBECTL to it`);
    return { code: status ?? 1, stdout, stderr };
  }

  /** @throws DeployError with what kubectl said, when it fails */
  run(args: readonly string[], input = ''): string {
    const { code, stdout, stderr } = this.try(args, input);
    if (code !== 0) throw new DeployError(`kubectl ${args.join(' ')} failed:\n${stderr.trim()}`);
    return stdout;
  }

  /** The object, undefined where there is none. */
  get(kind: string, name: string, namespace: string): unknown {
    const text = this.run(['get', kind, name, '-n', namespace, '-o', 'json', '--ignore-not-found']);
    return text.trim() === '' ? undefined : JSON.parse(text);
  }

  list(kind: string, namespace: string, selector: string): unknown[] {
    const text = this.run(['get', kind, '-n', namespace, '-l', selector, '-o', 'json']);
    return (JSON.parse(text) as { readonly items: unknown[] }).items;
  }
}

/** Where kubectl goes, by the name that a person gave it. */
export function contextOf(kubectl: Kubectl): string {
  return kubectl.try(['config', 'current-context']).stdout.trim();
}

/** @throws DeployError when no API server answers */
export function assertCluster(kubectl: Kubectl): void {
  const { code, stderr } = kubectl.try(['get', '--raw', '/readyz', '--request-timeout=10s']);
  if (code === 0) return;
  const context = contextOf(kubectl);
  const where = context === '' ? 'kubectl has no context' : `the context is ${context}`;
  throw new DeployError(
    `no cluster answers (${where}): start one (kind create cluster, minikube start) or choose another ` +
      `with KUBECONFIG or kubectl config use-context\n${stderr.trim()}`,
  );
}
