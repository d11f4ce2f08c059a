import { setTimeout as delay } from 'node:timers/promises';
import { DeployError, type Kubectl } from '../deploy-k8s/kubectl.js';
import { readErrorRate, type Prometheus } from './error-rate.js';
import type { ReleaseOptions } from './options.js';
import { isReady, readPods, restartsOf } from './pods.js';

/** Looks in a row at a pod that is not ready: the autoscaler may just have added it. */
const unreadyLooks = 12;
/** Looks in a row that show nothing: one may fail for a moment. */
const blindLooks = 3;

export interface Watched {
  readonly kubectl: Kubectl;
  readonly namespace: string;
  readonly prometheus: Prometheus;
  readonly options: ReleaseOptions;
  /** From when on calls count, milliseconds. */
  readonly sinceMs: number;
  say(text: string): void;
}

/** What one look showed. */
interface Look {
  /** Why the version is bad, if it is. */
  readonly fault?: string;
  readonly calls?: string;
}

/**
 * Watches a version at work: pods ready and not restarted, few calls with a fault of ours.
 * @throws DeployError as soon as it is worse than allowed, or when it cannot be seen
 */
export async function watch(watched: Watched): Promise<void> {
  const { options, say } = watched;
  const deadline = Date.now() + options.watchMs;
  const restarts = restartsOf(readPods(watched.kubectl, watched.namespace));
  const unready = new Map<string, number>();
  let seen: Look = {};
  let blind = 0;
  while (Date.now() < deadline || unready.size > 0 || blind > 0 || seen.calls === undefined) {
    await delay(Math.min(options.pollMs, options.watchMs));
    try {
      const fault = lookAtPods(watched, restarts, unready);
      seen = fault === undefined ? await lookAtCalls(watched) : { fault };
      blind = 0;
    } catch (error) {
      if (!(error instanceof DeployError) || ++blind >= blindLooks) throw error;
    }
    if (seen.fault !== undefined) throw new DeployError(seen.fault);
  }
  say(`watched for ${options.watchMs / 1000} s: every pod is ready; ${seen.calls}`);
}

function lookAtPods(
  { kubectl, namespace }: Watched,
  atFirst: ReadonlyMap<string, number>,
  unready: Map<string, number>,
): string | undefined {
  const pods = readPods(kubectl, namespace);
  if (pods.length === 0) return 'no pod of our services is there';
  for (const [name, restarts] of restartsOf(pods))
    if (restarts > (atFirst.get(name) ?? 0)) return `pod ${name} was restarted`;
  const bad = pods.filter((pod) => !isReady(pod)).map(({ metadata }) => metadata.name);
  for (const name of unready.keys()) if (!bad.includes(name)) unready.delete(name);
  for (const name of bad) unready.set(name, (unready.get(name) ?? 0) + 1);
  const given = [...unready].find(([, looks]) => looks >= unreadyLooks);
  return given && `pod ${given[0]} does not become ready`;
}

async function lookAtCalls({ prometheus, options, sinceMs }: Watched): Promise<Look> {
  const { calls, failed } = await readErrorRate(prometheus, sinceMs);
  if (calls < options.minCalls)
    return { calls: `${Math.round(calls)} calls, too few to judge by (MIN_CALLS is ${options.minCalls})` };
  const shown = `${(100 * (failed / calls)).toFixed(2)} % of ${Math.round(calls)} calls failed`;
  if (failed / calls <= options.maxErrorRatio) return { calls: shown };
  return { fault: `${shown}, ${100 * options.maxErrorRatio} % are allowed` };
}
