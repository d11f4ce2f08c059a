import { setTimeout as delay } from 'node:timers/promises';
import { DeployError, type Kubectl } from './kubectl.js';
import { lastFailureOf, problemOf, unreadiness, type Pod, type Problem } from './pod-problems.js';

export interface Waiting {
  readonly kubectl: Kubectl;
  readonly namespace: string;
  readonly timeoutMs: number;
  say(text: string): void;
}

/** What is seen at one moment. */
export interface Look {
  /** What is waited for still, undefined when all is there. */
  readonly pending: string | undefined;
  readonly pods?: readonly Pod[];
  /** Why it is over, when it is. */
  readonly failure?: string | undefined;
  /** Why it will not come to an end, if that stays so. */
  readonly stuck?: string | undefined;
}

const pollMs = 1000;
const logLines = 50;
/** A trouble has to last for this share of the limit: a registry or a Secret may come back. */
const patience = 1 / 30;

/**
 * Looks until nothing is pending, and says what is new.
 * @throws DeployError that says why, as soon as there is nothing to wait for, and after the limit
 */
export async function watch(waiting: Waiting, title: string, look: () => Look): Promise<void> {
  const { timeoutMs } = waiting;
  const say = once(waiting.say);
  const startMs = Date.now();
  let wellMs = startMs;
  for (;;) {
    const { pending, pods = [], failure, stuck } = look();
    if (pending === undefined) return;
    const problems = pods.flatMap((pod) => problemOf(pod) ?? []);
    say(`${title}: ${pending}`);
    for (const { text } of problems) say(`  ${text}`);
    const worst = problems.find(({ hopeless }) => hopeless);
    const cause = worst ?? lastFailureOf(pods) ?? problems[0] ?? unreadiness(pods);
    if (failure !== undefined) throw report(waiting, `${title} ${failure}`, cause);
    const nowMs = Date.now();
    // A pod without a node does not count: whatever the cluster says, an autoscaler may bring one.
    if (!worst && (stuck === undefined || problems.length > 0)) wellMs = nowMs;
    if (nowMs - wellMs > timeoutMs * patience)
      throw report(waiting, `${title} cannot go on${stuck === undefined ? '' : `: ${stuck}`}`, cause);
    if (nowMs - startMs > timeoutMs)
      throw report(waiting, `waited ${timeoutMs / 1000} s for ${title}: ${pending}`, cause);
    await delay(pollMs);
  }
}

function once(say: (text: string) => void): (text: string) => void {
  const said = new Set<string>();
  return (text) => {
    if (!said.has(text)) say(text);
    said.add(text);
  };
}

/** What a person wants to know then: the pod, why, its last words, and where to look further. */
function report({ kubectl, namespace }: Waiting, what: string, cause: Problem | undefined): DeployError {
  if (!cause) return new DeployError(`${what}\nlook further: kubectl -n ${namespace} get pods,events`);
  const { text, detail, pod, log } = cause;
  const lines = [what, text, ...(detail ? [detail] : [])];
  const commands = [`describe pod ${pod}`];
  if (log) {
    const command = `logs ${pod} -c ${log.container}${log.previous ? ' --previous' : ''}`;
    const { stdout } = kubectl.try(['-n', namespace, ...command.split(' '), `--tail=${logLines}`]);
    if (stdout.trim() !== '') lines.push('its last lines:', stdout.trimEnd());
    commands.push(command);
  }
  const further = commands.map((command) => `look further: kubectl -n ${namespace} ${command}`);
  return new DeployError([...lines, ...further].join('\n'));
}
