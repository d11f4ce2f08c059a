import type { Kubectl } from '../deploy-k8s/kubectl.js';

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}

/** The pods of our services, apart from those that are on their way out. */
export function readPods(kubectl: Kubectl, namespace: string): Pod[] {
  const pods = kubectl.list('pods', namespace, 'app.kubernetes.io/component=service') as Pod[];
  return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

export function isReady({ status }: Pod): boolean {
  return (status?.conditions ?? []).some(({ type, status: value }) => type === 'Ready' && value === 'True');
}

/** Restarts so far, by the pod's name. */
export function restartsOf(pods: readonly Pod[]): Map<string, number> {
  return new Map(
    pods.map(({ metadata, status }) => [
      metadata.name,
      (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
    ]),
  );
}
