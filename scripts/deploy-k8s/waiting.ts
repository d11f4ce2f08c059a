import { setTimeout as delay } from 'node:timers/promises';
import { DeployError, type Kubectl } from './kubectl.js';

export interface Waiting {
  readonly kubectl: Kubectl;
  readonly namespace: string;
  readonly timeoutMs: number;
  say(text: string): void;
}

const pollMs = 1000;
/** For this time after a change, the cluster may still report the failure of the previous rollout. */
const settleMs = 10_000;
/** Number of failed attempts of a Job after which the wait ends. */
const attemptsAllowed = 3;
const shownLines = 50;

/** @throws DeployError with pods, warnings and logs when the rollout fails or exceeds the timeout */
export async function waitForRollout(waiting: Waiting, kind: string, name: string): Promise<void> {
  const { kubectl, namespace, timeoutMs, say } = waiting;
  const started = Date.now();
  for (;;) {
    const seconds = Math.max(0.1, (started + timeoutMs - Date.now()) / 1000);
    const args = ['rollout', 'status', `${kind}/${name}`, '-n', namespace, `--timeout=${seconds}s`];
    if ((await kubectl.follow(args, say)) === 0) return;
    if (Date.now() > started + Math.min(settleMs, timeoutMs))
      throw failure(waiting, `${kind} ${name} is not rolled out`, `app.kubernetes.io/name=${name}`);
    await delay(pollMs);
  }
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

/** @throws DeployError with pods, warnings and logs when the Job fails or exceeds the timeout */
export async function waitForJob(waiting: Waiting, name: string): Promise<void> {
  const { kubectl, namespace, timeoutMs, say } = waiting;
  const deadline = Date.now() + timeoutMs;
  const selector = `batch.kubernetes.io/job-name=${name}`;
  say(`waiting for Job ${name}`);
  for (;;) {
    const { failed = 0, conditions = [] } = (kubectl.get('job', name, namespace) as Job)?.status ?? {};
    const condition = (type: string) => conditions.find((one) => one.type === type && one.status === 'True');
    if (condition('Complete')) return say(`Job ${name} is complete`);
    const cause = condition('Failed')?.message ?? (failed >= attemptsAllowed && `${failed} attempts`);
    if (cause !== false) throw failure(waiting, `Job ${name} failed: ${cause}`, selector);
    if (Date.now() > deadline)
      throw failure(waiting, `Job ${name} is not complete after ${timeoutMs / 1000} s`, selector);
    await delay(pollMs);
  }
}

export function logOf({ kubectl, namespace }: Waiting, job: string): string {
  return kubectl.try(['logs', `job/${job}`, '-n', namespace, '--tail=1000']).stdout;
}

/** Returns an error with the pods, the latest warnings of the namespace and the end of the logs. */
function failure({ kubectl, namespace }: Waiting, what: string, selector: string): DeployError {
  const show = (title: string, ...args: readonly string[]): string => {
    const { stdout, stderr } = kubectl.try(['-n', namespace, ...args]);
    const lines = `${stdout}${stderr}`.trim().split('\n').slice(-shownLines);
    return `-- ${title}\n${lines.join('\n')}`;
  };
  return new DeployError(
    [
      what,
      show('pods', 'get', 'pods', '-l', selector),
      show('warnings', 'get', 'events', '--field-selector=type=Warning', '--sort-by=.lastTimestamp'),
      show('logs', 'logs', '-l', selector, '--all-containers', '--prefix', `--tail=${shownLines}`),
      `look further: kubectl -n ${namespace} describe pods -l ${selector}`,
    ].join('\n'),
  );
}
