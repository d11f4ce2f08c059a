import { setTimeout as delay } from 'node:timers/promises';
import { DeployError, type Kubectl } from '../deploy-k8s/kubectl.js';

/** A Deployment as the cluster has it, as far as this program looks at it. */
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

export interface Template {
  readonly metadata?: { readonly labels?: Labels };
  readonly spec: unknown;
}

type Labels = Readonly<Record<string, string>>;

const revisionAnnotation = 'deployment.kubernetes.io/revision';
const versionLabel = 'app.kubernetes.io/version';
const retryMs = 1000;

/** All Deployments of a namespace, ready to be applied again: without what the cluster decides. */
export function readDeployments(kubectl: Kubectl, namespace: string): DeploymentObject[] {
  const text = kubectl.run(['get', 'deployments', '-n', namespace, '-o', 'json']);
  return (JSON.parse(text) as { readonly items: DeploymentObject[] }).items.map(withoutStatus);
}

/** Replicas are the business of the HorizontalPodAutoscaler. */
function withoutStatus({ metadata, spec }: DeploymentObject): DeploymentObject {
  const { name, namespace, labels, annotations } = metadata;
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
}

/** Which of `now` run something else than in `before`, and which were not there at all. */
export function changesSince(before: readonly DeploymentObject[], now: readonly DeploymentObject[]) {
  const old = new Map(before.map((one) => [one.metadata.name, JSON.stringify(one.spec.template)]));
  const name = (one: DeploymentObject): string => one.metadata.name;
  return {
    added: now.filter((one) => !old.has(name(one))).map(name),
    changed: now
      .filter((one) => old.has(name(one)) && old.get(name(one)) !== JSON.stringify(one.spec.template))
      .map(name),
  };
}

export function versionOf({ spec }: DeploymentObject): string {
  return spec.template.metadata?.labels?.[versionLabel] ?? 'unknown';
}

/**
 * Applied as deploy-k8s applies, not `kubectl rollout undo`: what that brings back would belong to another
 * field manager, and the next release could no longer take it away.
 * @throws DeployError
 */
export function restore(kubectl: Kubectl, wanted: DeploymentObject): void {
  const how = ['--server-side', '--force-conflicts', '--field-manager=order-processing'];
  kubectl.run(['apply', ...how, '-f', '-'], JSON.stringify(wanted));
}

/**
 * Asks again after a refusal: just after the change the cluster may still tell of the rollout that failed.
 * @throws DeployError when the pods are not there in time
 */
export async function waitForPods(
  kubectl: Kubectl,
  { metadata }: DeploymentObject,
  limitMs: number,
): Promise<void> {
  const { name, namespace } = metadata;
  const deadline = Date.now() + limitMs;
  for (;;) {
    const seconds = Math.max(1, Math.ceil((deadline - Date.now()) / 1000));
    const what = ['rollout', 'status', `deployment/${name}`, '-n', namespace, `--timeout=${seconds}s`];
    const { code, stderr } = kubectl.try(what);
    if (code === 0) return;
    if (Date.now() + retryMs > deadline)
      throw new DeployError(`the pods of ${name} are not back: ${stderr.trim()}`);
    await delay(retryMs);
  }
}

interface ReplicaSet {
  readonly metadata: {
    readonly annotations?: Labels;
    readonly ownerReferences?: readonly { readonly name: string }[];
  };
  readonly spec: { readonly template: Template };
}

/** Every revision of each Deployment that the cluster still knows, newest first, by the Deployment's name. */
export function readRevisions(kubectl: Kubectl, namespace: string): Map<string, Template[]> {
  const { items } = JSON.parse(kubectl.run(['get', 'replicasets', '-n', namespace, '-o', 'json'])) as {
    readonly items: readonly ReplicaSet[];
  };
  const revisionOf = ({ metadata }: ReplicaSet): number =>
    Number(metadata.annotations?.[revisionAnnotation] ?? 0);
  const found = new Map<string, Template[]>();
  for (const one of items.toSorted((a, b) => revisionOf(b) - revisionOf(a))) {
    const owner = one.metadata.ownerReferences?.[0]?.name ?? '';
    found.set(owner, [...(found.get(owner) ?? []), withoutHash(one.spec.template)]);
  }
  return found;
}

function withoutHash({ metadata, spec }: Template): Template {
  const { 'pod-template-hash': _, ...labels } = metadata?.labels ?? {};
  return { metadata: { ...metadata, labels }, spec };
}

/** The Deployment as it was in a revision. */
export function asRevision(now: DeploymentObject, template: Template): DeploymentObject {
  const version = template.metadata?.labels?.[versionLabel];
  const labels = { ...now.metadata.labels, ...(version !== undefined && { [versionLabel]: version }) };
  return { ...now, metadata: { ...now.metadata, labels }, spec: { ...now.spec, template } };
}
