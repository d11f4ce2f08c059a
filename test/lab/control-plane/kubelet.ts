import { every } from '../../../pkg/runtime/wait.js';
import type { ControlPlane } from './control-plane.js';

export interface ApiPod {
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly containers: readonly { readonly name: string; readonly image: string }[];
    readonly restartPolicy: string;
  };
  readonly status: { readonly phase: string };
}

/**
 * What happens to a pod. The pod of a Job ends with an exit code. The pod of a Deployment or StatefulSet becomes ready,
 * runs without becoming ready, or stays Pending. `waiting` is the reason that the status of a Pending pod shows.
 */
export type PodOutcome = { readonly exitCode: number } | { readonly waiting: string } | 'ready' | 'unready';

export interface Kubelet {
  /** Returns the outcome of a pending pod. */
  outcome: (pod: ApiPod) => PodOutcome;
  /** Component and image of the pods, as `<component> <image>`, in the order of the starts and without duplicates. */
  readonly started: readonly string[];
  close(): Promise<void>;
}

export const defaultOutcome = ({ spec }: ApiPod): PodOutcome =>
  spec.restartPolicy === 'Never' ? { exitCode: 0 } : 'ready';

/** Writes the status of the pods in a namespace as a kubelet would, without running the pods. */
export function simulateKubelet({ call }: ControlPlane, namespace: string): Kubelet {
  const started: string[] = [];
  const state = { outcome: defaultOutcome };
  const poll = async (): Promise<void> => {
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    const { items = [] } = (await call('GET', pods)) as { items?: ApiPod[] };
    for (const pod of items) {
      if (pod.status.phase !== 'Pending') continue;
      const title = `${pod.metadata.labels['app.kubernetes.io/component']} ${pod.spec.containers[0]?.image}`;
      if (!started.includes(title)) started.push(title);
      const status = statusOf(pod, state.outcome(pod));
      await call('PATCH', `${pods}/${pod.metadata.name}/status`, { status });
    }
  };
  const polling = every(200, poll, () => undefined);
  return Object.assign(state, { started, close: () => polling.close() });
}

function statusOf({ spec }: ApiPod, outcome: PodOutcome): object {
  const now = new Date().toISOString();
  const containerStatuses = (state: object, ready = false) =>
    spec.containers.map(({ name, image }) => ({
      name,
      image,
      imageID: image,
      restartCount: 0,
      ready,
      state,
    }));
  if (typeof outcome === 'string') {
    const isReady = outcome === 'ready';
    // A pod counts as available when it has been ready for minReadySeconds. One minute is longer than minReadySeconds.
    const lastTransitionTime = new Date(Date.now() - 60_000).toISOString();
    return {
      phase: 'Running',
      startTime: now,
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime }],
      containerStatuses: containerStatuses({ running: { startedAt: now } }, isReady),
    };
  }
  if ('waiting' in outcome)
    return {
      phase: 'Pending',
      containerStatuses: containerStatuses({ waiting: { reason: outcome.waiting } }),
    };
  const { exitCode } = outcome;
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  return {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    startTime: now,
    containerStatuses: containerStatuses({
      terminated: { exitCode, reason, startedAt: now, finishedAt: now },
    }),
  };
}
