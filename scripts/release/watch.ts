import { setTimeout as delay } from 'node:timers/promises';
import { DeployError, type Kubectl } from '../deploy-k8s/kubectl.js';
import type { ReleaseOptions } from './options.js';
import { readErrorRate, type Prometheus } from './prometheus.js';

/** Number of consecutive polls after which an unready pod is a fault. A pod that the autoscaler adds is unready at first. */
const unreadyPolls = 12;
/** Number of consecutive failed polls that end the watch. */
const failedPolls = 3;

export interface Watched {
  readonly kubectl: Kubectl;
  readonly namespace: string;
  readonly prometheus: Prometheus;
  readonly options: ReleaseOptions;
  /** Calls since this time are counted. */
  readonly sinceMs: number;
  say(text: string): void;
}

/**
 * Watches the pods and the calls of a version for WATCH_SECONDS.
 * @throws DeployError when a pod restarts or stays unready, too many calls fail, or kubectl or Prometheus do not answer
 */
export async function watch(watched: Watched): Promise<void> {
  const { options, say } = watched;
  const deadline = Date.now() + options.watchMs;
  const restarts = restartsOf(readPods(watched));
  const unready = new Map<string, number>();
  let calls: string | undefined;
  let failures = 0;
  while (Date.now() < deadline || unready.size > 0 || failures > 0 || calls === undefined) {
    await delay(Math.min(options.pollMs, options.watchMs));
    let fault: string | undefined;
    try {
      fault = podFault(readPods(watched), restarts, unready);
      if (fault === undefined) ({ fault, calls } = await judgeCalls(watched));
      failures = 0;
    } catch (error) {
      if (!(error instanceof DeployError) || ++failures >= failedPolls) throw error;
    }
    if (fault !== undefined) throw new DeployError(fault);
  }
  say(`watched for ${options.watchMs / 1000} s: every pod is ready; ${calls}`);
}

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}

/** Returns the pods of the services, without pods that are being deleted. */
function readPods({ kubectl, namespace }: Watched): Pod[] {
  const pods = kubectl.list<Pod>('pods', namespace, 'app.kubernetes.io/component=service');
  return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

function restartsOf(pods: readonly Pod[]): Map<string, number> {
  return new Map(
    pods.map(({ metadata, status }) => [
      metadata.name,
      (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
    ]),
  );
}

function podFault(
  pods: readonly Pod[],
  before: ReadonlyMap<string, number>,
  unready: Map<string, number>,
): string | undefined {
  if (pods.length === 0) return 'there is no pod of the services';
  for (const [name, restarts] of restartsOf(pods))
    if (restarts > (before.get(name) ?? 0)) return `pod ${name} was restarted`;
  const isReady = ({ status }: Pod): boolean =>
    (status?.conditions ?? []).some((one) => one.type === 'Ready' && one.status === 'True');
  const bad = pods.filter((pod) => !isReady(pod)).map(({ metadata }) => metadata.name);
  for (const name of unready.keys()) if (!bad.includes(name)) unready.delete(name);
  for (const name of bad) unready.set(name, (unready.get(name) ?? 0) + 1);
  const stuck = [...unready].find(([, polls]) => polls >= unreadyPolls);
  return stuck && `pod ${stuck[0]} does not become ready`;
}

interface Verdict {
  readonly fault: string | undefined;
  readonly calls: string;
}

async function judgeCalls({ prometheus, options, sinceMs }: Watched): Promise<Verdict> {
  const { calls, failed } = await readErrorRate(prometheus, sinceMs);
  if (calls < options.minCalls) {
    const text = `${Math.round(calls)} calls, too few to judge (MIN_CALLS is ${options.minCalls})`;
    return { fault: undefined, calls: text };
  }
  const text = `${(100 * (failed / calls)).toFixed(2)} % of ${Math.round(calls)} calls failed`;
  const isTooMuch = failed / calls > options.maxErrorRatio;
  const fault = isTooMuch ? `${text}, ${100 * options.maxErrorRatio} % are allowed` : undefined;
  return { fault, calls: text };
}
