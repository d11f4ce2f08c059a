import { readFileSync, writeFileSync } from 'node:fs';
import { DeployError, type Kubectl } from '../deploy-k8s/kubectl.js';

type Labels = Readonly<Record<string, string>>;

/** A Deployment without the fields that the cluster sets. */
export interface DeploymentObject {
  readonly apiVersion: string;
  readonly kind: 'Deployment';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
  };
  readonly spec: Readonly<Record<string, unknown>> & { readonly template: Template };
}

interface Template {
  readonly metadata?: { readonly labels?: Labels };
  readonly spec: unknown;
}

const revisionAnnotation = 'deployment.kubernetes.io/revision';
const versionLabel = 'app.kubernetes.io/version';

/** Returns the Deployments of a namespace in a form that can be applied again. */
export function readDeployments(kubectl: Kubectl, namespace: string): DeploymentObject[] {
  return kubectl.list<DeploymentObject>('deployments', namespace).map(({ metadata, spec }) => {
    const { name, labels, annotations } = metadata;
    // The HorizontalPodAutoscaler sets the number of replicas, which a rollback must not change.
    const { replicas: _, ...rest } = spec;
    const kept = Object.entries(annotations ?? {}).filter(([key]) => key !== revisionAnnotation);
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name,
        namespace,
        ...(labels && { labels }),
        ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }),
      },
      spec: rest as DeploymentObject['spec'],
    };
  });
}

/** Returns the names of the Deployments that are new since `before`, and of those whose pod template has changed. */
export function changesSince(before: readonly DeploymentObject[], now: readonly DeploymentObject[]) {
  const old = new Map(before.map(({ metadata, spec }) => [metadata.name, JSON.stringify(spec.template)]));
  const changed = now.filter(
    ({ metadata, spec }) => old.get(metadata.name) !== JSON.stringify(spec.template),
  );
  const names = changed.map(({ metadata }) => metadata.name);
  return { added: names.filter((name) => !old.has(name)), changed: names.filter((name) => old.has(name)) };
}

export function versionOf({ spec }: Pick<DeploymentObject, 'spec'>): string {
  return spec.template.metadata?.labels?.[versionLabel] ?? 'unknown';
}

/** @throws DeployError when the file cannot be written */
export function writeRecord(file: string, before: readonly DeploymentObject[]): void {
  try {
    writeFileSync(file, JSON.stringify(before));
  } catch (error) {
    throw unusable(file, (error as Error).message);
  }
}

/** @throws DeployError when the file cannot be read or is not a record */
export function readRecord(file: string): DeploymentObject[] {
  let record: unknown;
  try {
    record = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw unusable(file, (error as Error).message);
  }
  if (Array.isArray(record)) return record as DeploymentObject[];
  throw unusable(file, 'no release wrote it');
}

function unusable(file: string, reason: string): DeployError {
  return new DeployError(`RELEASE_RECORD is ${file}, which cannot be used: ${reason}`);
}

interface ReplicaSet {
  readonly metadata: {
    readonly annotations?: Labels;
    readonly ownerReferences?: readonly { readonly name: string }[];
  };
  readonly spec: { readonly template: Template };
}

/**
 * Returns the Deployments of the services, with the pod templates of a version.
 * @throws DeployError when a service has no ReplicaSet of this version
 */
export function findVersion(kubectl: Kubectl, namespace: string, version: string): DeploymentObject[] {
  const revisionOf = ({ metadata }: ReplicaSet): number =>
    Number(metadata.annotations?.[revisionAnnotation] ?? 0);
  const replicaSets = kubectl
    .list<ReplicaSet>('replicasets', namespace)
    .toSorted((a, b) => revisionOf(b) - revisionOf(a));
  const services = readDeployments(kubectl, namespace).filter(
    ({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === 'service',
  );
  return services.map((now) => {
    const { name } = now.metadata;
    const revisions = replicaSets
      .filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === name)
      .map(({ spec }) => asRevision(now, spec.template));
    const found = revisions.find((one) => versionOf(one) === version);
    if (found) return found;
    const versions = [...new Set(revisions.map(versionOf))].join(', ');
    throw new DeployError(
      `the cluster has no version '${version}' of ${name}: it has ${versions}. Set TO to one of these versions, ` +
        'or release the older version again',
    );
  });
}

function asRevision(now: DeploymentObject, { metadata, spec }: Template): DeploymentObject {
  const { 'pod-template-hash': _, ...podLabels } = metadata?.labels ?? {};
  const version = podLabels[versionLabel];
  const labels = { ...now.metadata.labels, ...(version !== undefined && { [versionLabel]: version }) };
  const template = { metadata: { ...metadata, labels: podLabels }, spec };
  return { ...now, metadata: { ...now.metadata, labels }, spec: { ...now.spec, template } };
}
