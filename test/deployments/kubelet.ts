import { every } from '../../pkg/runtime/wait.js';
import type { ControlPlane } from './control-plane.js';

/** A pod as the API has it. */
export interface ApiPod {
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly creationTimestamp: string;
  };
  readonly spec: {
    readonly containers: readonly { readonly name: string; readonly image: string }[];
    readonly restartPolicy: string;
  };
  readonly status: { readonly phase: string };
}

/** How a pod fares: a Job's ends with a code; others serve, are never ready, wait for a reason, or crash. */
export type Fate =
  | { readonly ends: number }
  | { readonly waits: string }
  | { readonly crashes: number; readonly restarts: number }
  | 'serves'
  | 'is never ready'
  | 'finds no node';

export interface Kubelet {
  /** Decides about pods from now on. */
  fate: (pod: ApiPod) => Fate;
  /** Name and image of each pod, in the order in which they were first seen. */
  readonly seen: readonly string[];
  close(): Promise<void>;
}

/** Plays the nodes of a namespace: tells the API that pods run, without running them. */
export function playKubelet({ call }: ControlPlane, namespace: string): Kubelet {
  const seen: string[] = [];
  const state = {
    fate: (pod: ApiPod): Fate => (pod.spec.restartPolicy === 'Never' ? { ends: 0 } : 'serves'),
  };
  const look = async (): Promise<void> => {
    const { items = [] } = (await call('GET', `/api/v1/namespaces/${namespace}/pods`)) as {
      items?: ApiPod[];
    };
    for (const pod of items) {
      if (pod.status.phase !== 'Pending') continue;
      const title = `${pod.metadata.labels['app.kubernetes.io/component']} ${pod.spec.containers[0]?.image}`;
      if (!seen.includes(title)) seen.push(title);
      const place = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}/status`;
      await call('PATCH', place, { status: statusOf(pod, state.fate(pod)) });
    }
  };
  const watch = every(200, look, () => undefined);
  return Object.assign(state, { seen, close: () => watch.close() });
}

function statusOf({ spec }: ApiPod, fate: Fate): object {
  const now = new Date().toISOString();
  // Ready for a minute: nobody has to wait out minReadySeconds.
  const before = new Date(Date.now() - 60_000).toISOString();
  const containers = (state: object, more: object = {}) =>
    spec.containers.map(({ name, image }) => ({
      name,
      image,
      imageID: image,
      restartCount: 0,
      ready: false,
      state,
      ...more,
    }));
  const condition = (type: string, status: string, more: object = {}) => [
    { type, status, lastTransitionTime: before, ...more },
  ];
  const running = (ready: boolean) => ({
    phase: 'Running',
    startTime: now,
    conditions: condition('Ready', ready ? 'True' : 'False'),
    containerStatuses: containers({ running: { startedAt: now } }, { ready }),
  });
  const terminated = (exitCode: number) => ({
    terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', startedAt: now, finishedAt: now },
  });
  if (fate === 'serves' || fate === 'is never ready') return running(fate === 'serves');
  if (fate === 'finds no node') {
    const told = { reason: 'Unschedulable', message: '0/1 nodes are available: 1 Insufficient cpu.' };
    return { phase: 'Pending', conditions: condition('PodScheduled', 'False', told) };
  }
  if ('waits' in fate)
    return { phase: 'Pending', containerStatuses: containers({ waiting: { reason: fate.waits } }) };
  if ('crashes' in fate) {
    const more = { restartCount: fate.restarts, lastState: terminated(fate.crashes) };
    const state = {
      waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container' },
    };
    return { ...running(false), containerStatuses: containers(state, more) };
  }
  return {
    phase: fate.ends === 0 ? 'Succeeded' : 'Failed',
    startTime: now,
    containerStatuses: containers(terminated(fate.ends)),
  };
}
