import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Environment } from '../../pkg/config/index.js';

/** A failure that a person can resolve. The message says what failed. */
export class DeployError extends Error {
  override readonly name = 'DeployError';
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl with the given environment. Variables such as KUBECONFIG select the cluster. */
export class Kubectl {
  readonly #program: string;
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#program = env['KUBECTL'] || 'kubectl';
    this.#env = env;
  }

  /** @throws DeployError when kubectl cannot be run */
  try(args: readonly string[], input = ''): Ran {
    const options = { encoding: 'utf8', input, env: this.#env, maxBuffer: 64 * 1024 * 1024 } as const;
    const { status, stdout, stderr, error } = spawnSync(this.#program, args, options);
    if (error)
      throw new DeployError(`${this.#program} cannot be run: install kubectl, or set KUBECTL to its path`);
    return { code: status ?? 1, stdout, stderr };
  }

  /** @throws DeployError with the message of kubectl when kubectl fails */
  run(args: readonly string[], input = ''): string {
    const { code, stdout, stderr } = this.try(args, input);
    if (code !== 0) throw new DeployError(`kubectl ${args.join(' ')} failed:\n${stderr.trim()}`);
    return stdout;
  }

  /** Runs kubectl and calls `say` with each line of output. Returns the exit code of kubectl. */
  follow(args: readonly string[], say: (line: string) => void): Promise<number> {
    const child = spawn(this.#program, args, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', say);
    return new Promise((resolve, reject) => {
      child.once('error', reject).once('close', (code) => resolve(code ?? 1));
    });
  }

  /** Returns the object, or undefined when the object does not exist. */
  get(kind: string, name: string, namespace: string): unknown {
    const text = this.run(['get', kind, name, '-n', namespace, '-o', 'json', '--ignore-not-found']);
    return text.trim() === '' ? undefined : JSON.parse(text);
  }

  list<T>(kind: string, namespace: string, selector = ''): T[] {
    const text = this.run(['get', kind, '-n', namespace, '-l', selector, '-o', 'json']);
    return (JSON.parse(text) as { readonly items: T[] }).items;
  }

  /**
   * Applies objects on the server side. A client-side apply stores each object in an annotation, and the dashboards are too
   * large for an annotation. All releases use the same field manager, so that a later release can remove fields.
   * @throws DeployError when kubectl fails
   */
  apply(text: string): void {
    this.run(['apply', ...serverSide, '-f', '-'], text);
  }
}

export const serverSide = ['--server-side', '--force-conflicts', '--field-manager=order-processing'];

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
