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

/** How the containers of a pod fare: a Job's end with a code, others serve, or wait for a reason. */
export type Fate = { readonly ends: number } | { readonly waits: string } | 'serves';

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
  const of = (state: object, ready: boolean) =>
    spec.containers.map(({ name, image }) => ({
      name,
      image,
      imageID: image,
      restartCount: 0,
      ready,
      state,
    }));
  const startedAt = new Date().toISOString();
  if (fate === 'serves')
    return {
      phase: 'Running',
      startTime: startedAt,
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: startedAt }],
      containerStatuses: of({ running: { startedAt } }, true),
    };
  if ('waits' in fate)
    return { phase: 'Pending', containerStatuses: of({ waiting: { reason: fate.waits } }, false) };
  const terminated = { exitCode: fate.ends, startedAt, finishedAt: startedAt };
  return {
    phase: fate.ends === 0 ? 'Succeeded' : 'Failed',
    startTime: startedAt,
    containerStatuses: of({ terminated }, false),
  };
}
