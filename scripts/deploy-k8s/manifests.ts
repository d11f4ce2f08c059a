import { spawnSync } from 'node:child_process';
import { parseAllDocuments, stringify } from 'yaml';
import type { Environment } from '../../pkg/config/index.js';
import { inventoryFile } from '../deployment-tools/inventory.js';
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

/** Renders a folder of deployments/kubernetes: with kustomize if it is here, or with the one in kubectl. */
export function render(folder: string, kubectl: Kubectl, env: Environment): Manifest[] {
  const path = `deployments/kubernetes/${folder}`;
  const found = inventoryFile.read().kustomize;
  const kustomize = env['KUSTOMIZE'] || (found && 'files' in found ? found.files['kustomize'] : undefined);
  const text = kustomize === undefined ? kubectl.run(['kustomize', path]) : runKustomize(kustomize, path);
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

/** @throws DeployError when the place of the database is still the one of the example */
export function assertDatabasePlace(manifests: readonly Manifest[], overlay: string): void {
  if (!JSON.stringify(manifests).includes('192.0.2.0/24')) return;
  throw new DeployError(
    `where is PostgreSQL? Put its address range into deployments/kubernetes/overlays/${overlay}/database.yaml`,
  );
}

/** Names of the Secrets that pods need and no object here makes. */
export function neededSecrets(manifests: readonly Manifest[]): string[] {
  const made = new Set(manifests.map((one) => (one.spec as { secretName?: string } | undefined)?.secretName));
  const needed = manifests.flatMap(({ spec }) => {
    const { containers = [], volumes = [] } = spec?.template?.spec ?? {};
    return [
      ...containers.flatMap(({ envFrom = [] }) => envFrom.flatMap((from) => from.secretRef?.name ?? [])),
      ...volumes.flatMap(({ secret }) => secret?.secretName ?? []),
    ];
  });
  return [...new Set(needed)].filter((name) => !made.has(name)).toSorted();
}
