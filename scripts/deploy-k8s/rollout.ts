import { problemOf, type Pod } from './pod-problems.js';

/** A Deployment or StatefulSet as the cluster has it, as far as its rollout can be told from it. */
export interface Workload {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly generation?: number };
  readonly spec: { readonly replicas?: number; readonly progressDeadlineSeconds?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
    readonly conditions?: readonly { readonly type: string; readonly reason?: string }[];
  };
}

/** What a rollout still waits for, undefined when it is done. Decided as `kubectl rollout status` does. */
export function pendingOf(workload: Workload): string | undefined {
  const { kind, metadata, status } = workload;
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 1)) return 'the change is not taken up yet';
  return kind === 'Deployment' ? pendingOfDeployment(workload) : pendingOfStatefulSet(workload);
}

function pendingOfDeployment({ spec, status = {} }: Workload): string | undefined {
  const { replicas: wanted = 1 } = spec;
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  if (updatedReplicas < wanted) return `${updatedReplicas} of ${wanted} pods are new`;
  if (replicas > updatedReplicas) return `old pods are still there: ${replicas - updatedReplicas}`;
  if (availableReplicas < updatedReplicas)
    return `${availableReplicas} of ${updatedReplicas} pods are available`;
  return undefined;
}

function pendingOfStatefulSet({ spec, status = {} }: Workload): string | undefined {
  const { replicas: wanted = 1 } = spec;
  const { readyReplicas = 0, updatedReplicas = 0, currentRevision, updateRevision } = status;
  if (readyReplicas < wanted) return `${readyReplicas} of ${wanted} pods are ready`;
  if (updateRevision !== currentRevision && updatedReplicas < wanted)
    return `${updatedReplicas} of ${wanted} pods are new`;
  return undefined;
}

/** Why a rollout will not come to an end if nobody helps, as far as its object says so. */
export function stuckBecause(
  { kind, metadata, spec, status }: Workload,
  pods: readonly Pod[],
): string | undefined {
  if (kind === 'Deployment') {
    const progressing = status?.conditions?.find(({ type }) => type === 'Progressing');
    if (progressing?.reason !== 'ProgressDeadlineExceeded') return undefined;
    return `nothing got better for ${spec.progressDeadlineSeconds} s (ProgressDeadlineExceeded)`;
  }
  const old = pods.find(
    (pod) => pod.metadata.labels?.['controller-revision-hash'] !== status?.updateRevision,
  );
  if (!old || !problemOf(old)?.hopeless) return undefined;
  const { name } = old.metadata;
  return `${name} is of the version before; ${metadata.name} replaces it when it is ready, or when you delete it`;
}

export interface ReplicaSet {
  readonly kind: 'ReplicaSet';
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/**
 * The pods that a rollout waits for: of a Deployment those of its newest revision, since older ones may be the broken
 * ones that it replaces. A StatefulSet replaces a pod only when all are ready, so all of them count.
 */
export function awaitedPods(found: readonly (ReplicaSet | Pod)[]): Pod[] {
  const revision = ({ metadata }: ReplicaSet): number =>
    Number(metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0);
  const [newest] = found
    .filter((one) => one.kind === 'ReplicaSet')
    .toSorted((a, b) => revision(b) - revision(a));
  const hash = newest?.metadata.labels?.['pod-template-hash'];
  return found
    .filter((one) => one.kind === 'Pod')
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .filter(({ metadata }) => hash === undefined || metadata.labels?.['pod-template-hash'] === hash);
}
