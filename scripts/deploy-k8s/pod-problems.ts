/** A pod as the cluster has it, as far as one can tell from it what holds it back. */
export interface Pod {
  readonly kind: 'Pod';
  readonly metadata: {
    readonly name: string;
    readonly creationTimestamp?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly initContainers?: readonly Container[];
    readonly containers: readonly Container[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly Condition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

interface Container {
  readonly name: string;
  readonly image: string;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

interface ContainerStatus {
  readonly name: string;
  readonly restartCount?: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: { readonly exitCode: number; readonly reason?: string };
}

export interface Problem {
  /** What is wrong, in one line. */
  readonly text: string;
  /** What the cluster says about it. */
  readonly detail?: string;
  /** Whether waiting longer is in vain. Otherwise it may pass: an autoscaler may bring a node. */
  readonly hopeless: boolean;
  readonly pod: string;
  /** Whose log tells more, if one does. */
  readonly log?: { readonly container: string; readonly previous: boolean };
}

const imageReasons = new Set(['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName']);
const setupReasons = new Set(['CreateContainerConfigError', 'CreateContainerError']);
/** So often a container may end: what it needs may have come later than it. */
const restartsAllowed = 2;

/** What holds a pod back, undefined when it is well or on its way. */
export function problemOf(pod: Pod): Problem | undefined {
  const { conditions = [], initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const unschedulable = conditions.find(({ reason }) => reason === 'Unschedulable');
  if (unschedulable) return unplaced(pod, unschedulable.message);
  for (const one of [...initContainerStatuses, ...containerStatuses]) {
    const problem = problemIn(pod, one);
    if (problem) return problem;
  }
  return undefined;
}

function unplaced({ metadata: { name } }: Pod, message = ''): Problem {
  return { text: `pod ${name} finds no node (Unschedulable): ${message}`, hopeless: false, pod: name };
}

function problemIn({ metadata, spec }: Pod, status: ContainerStatus): Problem | undefined {
  const { name: pod } = metadata;
  const { reason = '', message: detail = '' } = status.state?.waiting ?? {};
  const { image = '' } =
    [...(spec.initContainers ?? []), ...spec.containers].find(({ name }) => name === status.name) ?? {};
  if (imageReasons.has(reason))
    return { text: `pod ${pod}: the image ${image} cannot be had (${reason})`, detail, hopeless: true, pod };
  if (setupReasons.has(reason))
    return { text: `pod ${pod}: ${status.name} cannot be set up (${reason})`, detail, hopeless: true, pod };
  return reason === 'CrashLoopBackOff' ? crashing(pod, status) : undefined;
}

function crashing(pod: string, { name, restartCount = 0, lastState }: ContainerStatus): Problem {
  const restarts = restartCount === 1 ? '1 restart' : `${restartCount} restarts`;
  const text = `pod ${pod}: ${name} ends again and again (CrashLoopBackOff): ${restarts}, last ${endOf(lastState)}`;
  return { text, hopeless: restartCount > restartsAllowed, pod, log: { container: name, previous: true } };
}

function endOf(state: ContainerState | undefined): string {
  const { exitCode, reason } = state?.terminated ?? {};
  if (exitCode === undefined) return 'without an exit code';
  return `with exit code ${exitCode}${reason === undefined ? '' : ` (${reason})`}`;
}

/** The pod that ended badly last, of those of a Job. */
export function lastFailureOf(pods: readonly Pod[]): Problem | undefined {
  const [newest] = pods
    .filter(({ status }) => status?.phase === 'Failed')
    .toSorted((a, b) =>
      (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''),
    );
  if (!newest) return undefined;
  const { name: pod } = newest.metadata;
  const ended = newest.status?.containerStatuses?.find(({ state }) => state?.terminated?.exitCode !== 0);
  const container = ended?.name ?? newest.spec.containers[0]?.name ?? '';
  const text = `pod ${pod}: ${container} has failed ${endOf(ended?.state)}`;
  return { text, hopeless: false, pod, log: { container, previous: false } };
}

/** What a pod that is not ready would be asked first, when there is nothing else to say. */
export function unreadiness(pods: readonly Pod[]): Problem | undefined {
  const unready = pods.find(
    ({ status }) => !status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
  );
  if (!unready) return undefined;
  const { metadata, spec, status } = unready;
  const [container] = spec.containers;
  const waiting = status?.containerStatuses?.find(({ state }) => state?.waiting)?.state?.waiting?.reason;
  return {
    text: `pod ${metadata.name} is not ready${waiting === undefined ? '' : ` (${waiting})`}`,
    hopeless: false,
    pod: metadata.name,
    ...(container && waiting === undefined && { log: { container: container.name, previous: false } }),
  };
}
