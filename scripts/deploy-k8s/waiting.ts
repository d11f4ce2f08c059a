import { setTimeout as delay } from 'node:timers/promises';
import { DeployError, type Kubectl } from './kubectl.js';
import type { Manifest } from './manifests.js';

interface Status {
  readonly metadata: { readonly generation?: number };
  readonly spec: { readonly replicas?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
    }[];
  };
}

interface PodStatus {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly containers: readonly { readonly name: string; readonly image: string }[] };
  readonly status?: {
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly state?: { readonly waiting?: { readonly reason: string; readonly message?: string } };
    }[];
  };
}

const pollMs = 1000;
/** What no waiting ends. */
const hopeless = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'CreateContainerConfigError',
]);

export interface Waiting {
  readonly kubectl: Kubectl;
  readonly namespace: string;
  readonly timeoutMs: number;
  say(text: string): void;
}

/** @throws DeployError when it does not finish in time, or cannot */
export async function waitForRollout(waiting: Waiting, { kind, metadata }: Manifest): Promise<void> {
  const { kubectl, namespace } = waiting;
  const title = `${kind} ${metadata.name}`;
  await poll(waiting, `the rollout of ${title}`, () => {
    assertStartable(
      waiting,
      `app.kubernetes.io/name=${metadata.labels?.['app.kubernetes.io/name'] ?? metadata.name}`,
    );
    const found = kubectl.get(kind, metadata.name, namespace) as Status | undefined;
    return found !== undefined && isRolledOut(found);
  });
  waiting.say(`${title} is rolled out`);
}

function isRolledOut({ metadata, spec, status = {} }: Status): boolean {
  const wanted = spec.replicas ?? 1;
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, readyReplicas = 0 } = status;
  if (observedGeneration < (metadata.generation ?? 0)) return false;
  return updatedReplicas >= wanted && readyReplicas >= wanted && replicas === updatedReplicas;
}

/** @throws DeployError with the log of the Job when it fails */
export async function waitForJob(waiting: Waiting, name: string): Promise<void> {
  const { kubectl, namespace } = waiting;
  await poll(waiting, `the end of Job ${name}`, () => {
    assertStartable(waiting, `batch.kubernetes.io/job-name=${name}`);
    const job = kubectl.get('job', name, namespace) as Status | undefined;
    const conditions = job?.status?.conditions ?? [];
    const is = (type: string) => conditions.find((one) => one.type === type && one.status === 'True');
    const failed = is('Failed');
    if (failed) throw new DeployError(`Job ${name} failed: ${failed.message ?? ''}\n${logOf(waiting, name)}`);
    return is('Complete') !== undefined;
  });
  waiting.say(`Job ${name} is done`);
}

export function logOf({ kubectl, namespace }: Waiting, job: string): string {
  return kubectl.try(['logs', `job/${job}`, '-n', namespace, '--tail=1000']).stdout;
}

/** @throws DeployError when a pod waits for what will not come */
function assertStartable({ kubectl, namespace }: Waiting, selector: string): void {
  for (const { metadata, spec, status } of kubectl.list('pods', namespace, selector) as PodStatus[])
    for (const { name, state } of status?.containerStatuses ?? []) {
      const { reason = '', message = '' } = state?.waiting ?? {};
      if (!hopeless.has(reason)) continue;
      const image = spec.containers.find((one) => one.name === name)?.image ?? '';
      const what =
        reason === 'CreateContainerConfigError'
          ? 'its configuration is incomplete'
          : `the image ${image} cannot be had`;
      throw new DeployError(`pod ${metadata.name} cannot start: ${what} (${reason})\n${message}`);
    }
}

async function poll({ timeoutMs }: Waiting, what: string, isDone: () => boolean): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!isDone()) {
    if (Date.now() > deadline) throw new DeployError(`waited ${timeoutMs / 1000} s for ${what}`);
    await delay(pollMs);
  }
}
