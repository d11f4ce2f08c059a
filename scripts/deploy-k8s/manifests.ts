import { spawnSync } from 'node:child_process';
import { parseAllDocuments, stringify } from 'yaml';
import type { Environment } from '../../pkg/config/index.js';
import { DeployError, type Kubectl } from './kubectl.js';

export interface PodTemplate {
  metadata?: { labels?: Record<string, string> };
  spec: {
    containers: { image: string; envFrom?: { secretRef?: { name: string } }[] }[];
    volumes?: { secret?: { secretName: string } }[];
  };
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    labels?: Record<string, string>;
  };
  readonly spec?: { readonly template?: PodTemplate };
}

/** Renders a folder of deployments/kubernetes with the program in KUSTOMIZE. The default program is `kubectl kustomize`. */
export function render(folder: string, kubectl: Kubectl, env: Environment): Manifest[] {
  const path = `deployments/kubernetes/${folder}`;
  const kustomize = env['KUSTOMIZE'] ?? '';
  const text = kustomize === '' ? kubectl.run(['kustomize', path]) : runKustomize(kustomize, path);
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

function runKustomize(program: string, path: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, ['build', path], { encoding: 'utf8' });
  if (error || status !== 0)
    throw new DeployError(`${path} cannot be rendered:\n${error?.message ?? stderr}`);
  return stdout;
}

export function toText(manifests: readonly Manifest[]): string {
  return manifests.map((one) => `---\n${stringify(one)}`).join('');
}

/** @throws DeployError when the address range of the database is still the example 192.0.2.0/24 */
export function assertDatabasePlace(manifests: readonly Manifest[], overlay: string): void {
  if (!JSON.stringify(manifests).includes('192.0.2.0/24')) return;
  throw new DeployError(
    `the address range of PostgreSQL is still the example: write the real range into deployments/kubernetes/overlays/${overlay}/database.yaml`,
  );
}

/** Returns the names of the Secrets that pods use, except those that cert-manager creates. */
export function neededSecrets(manifests: readonly Manifest[]): string[] {
  const issued = new Set(
    manifests.map((one) => (one.spec as { secretName?: string } | undefined)?.secretName),
  );
  const needed = manifests.flatMap(({ spec }) => {
    const { containers = [], volumes = [] } = spec?.template?.spec ?? {};
    return [
      ...containers.flatMap(({ envFrom = [] }) => envFrom.flatMap((from) => from.secretRef?.name ?? [])),
      ...volumes.flatMap(({ secret }) => secret?.secretName ?? []),
    ];
  });
  return [...new Set(needed)].filter((name) => !issued.has(name)).toSorted();
}
