import type { Manifest } from './manifests.js';
import type { Pod } from './pod-problems.js';
import { awaitedPods, pendingOf, stuckBecause, type ReplicaSet, type Workload } from './rollout.js';
import { watch, type Waiting } from './watch.js';

/** So many attempts of a Job are waited for, even if it allows more: minutes pass between those. */
const attemptsAllowed = 3;

/** @throws DeployError that says why, when it does not finish in time, or cannot */
export async function waitForRollout(waiting: Waiting, { kind, metadata }: Manifest): Promise<void> {
  const { kubectl, namespace } = waiting;
  const title = `${kind} ${metadata.name}`;
  const selector = `app.kubernetes.io/name=${metadata.labels?.['app.kubernetes.io/name'] ?? metadata.name}`;
  await watch(waiting, title, () => {
    const workload = kubectl.get(kind, metadata.name, namespace) as Workload | undefined;
    if (!workload) return { pending: 'it is not there yet' };
    const pending = pendingOf(workload);
    if (pending === undefined) return { pending };
    const pods = awaitedPods(kubectl.list('replicasets,pods', namespace, selector) as (ReplicaSet | Pod)[]);
    return { pending, pods, stuck: stuckBecause(workload, pods) };
  });
  waiting.say(`${title} is rolled out`);
}

interface Job {
  readonly status?: {
    readonly failed?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
    }[];
  };
}

/** @throws DeployError with the end of its log when it fails */
export async function waitForJob(waiting: Waiting, name: string): Promise<void> {
  const { kubectl, namespace } = waiting;
  await watch(waiting, `Job ${name}`, () => {
    const job = kubectl.get('job', name, namespace) as Job | undefined;
    const { failed = 0, conditions = [] } = job?.status ?? {};
    const is = (type: string) => conditions.find((one) => one.type === type && one.status === 'True');
    if (is('Complete')) return { pending: undefined };
    const failure = is('Failed')?.message ?? (failed >= attemptsAllowed ? `${failed} attempts` : undefined);
    return {
      pending: failed === 0 ? 'not done yet' : `not done yet, failed attempts: ${failed}`,
      pods: kubectl.list('pods', namespace, `batch.kubernetes.io/job-name=${name}`) as Pod[],
      failure: failure && `failed: ${failure}`,
    };
  });
  waiting.say(`Job ${name} is done`);
}

export function logOf({ kubectl, namespace }: Waiting, job: string): string {
  return kubectl.try(['logs', `job/${job}`, '-n', namespace, '--tail=1000']).stdout;
}
