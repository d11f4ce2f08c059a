import {
  assertOverlay,
  assertSmokeTest,
  deploy,
  namespace,
  smokeTest,
  type Deployment,
} from '../deploy-k8s/deploy.js';
import { assertCluster, DeployError } from '../deploy-k8s/kubectl.js';
import { changesSince, readDeployments, type DeploymentObject } from './deployments.js';
import { prometheusAt, prometheusInCluster, type Prometheus } from './error-rate.js';
import type { ReleaseOptions } from './options.js';
import { rollBack } from './rollback.js';
import { watch } from './watch.js';

export interface Release {
  readonly deployment: Deployment;
  readonly options: ReleaseOptions;
  /** Keeps what ran before, so that a release that was interrupted can be rolled back. */
  keep(before: readonly DeploymentObject[]): void;
}

/** `failed`: what ran before runs. `stuck`: it does not, and a person has to look. */
export type Outcome = 'released' | 'failed' | 'stuck';

/**
 * Deploys, tries and watches; brings back what ran before when any of it fails.
 * @throws DeployError when nothing was begun
 */
export async function release({ deployment, options, keep }: Release): Promise<Outcome> {
  const { kubectl, say } = deployment;
  if (options.smokeTest) assertSmokeTest(deployment);
  const { prometheusUrl } = options;
  const prometheus =
    prometheusUrl === undefined ? prometheusInCluster(kubectl, namespace) : prometheusAt(prometheusUrl);
  assertCluster(kubectl);
  assertOverlay(deployment);
  const before = readDeployments(kubectl, namespace);
  // A release that cannot be watched is not begun. The first one brings its own Prometheus.
  if (before.length > 0) await prometheus('vector(1)');
  keep(before);
  try {
    await deployAndWatch(deployment, options, prometheus);
    say('released');
    return 'released';
  } catch (error) {
    say(`THE RELEASE FAILED: ${(error as Error).message}`);
    return await undo(deployment, options, before);
  }
}

async function deployAndWatch(
  deployment: Deployment,
  options: ReleaseOptions,
  prometheus: Prometheus,
): Promise<void> {
  const { kubectl, say } = deployment;
  await deploy(deployment);
  const sinceMs = Date.now();
  if (options.smokeTest) {
    say('playing the scenarios of test-client');
    await smokeTest(deployment);
  }
  await watch({ kubectl, namespace, prometheus, options, sinceMs, say });
}

/** Brings back what differs from `before`, as far as there was anything. */
export async function undo(
  { kubectl, say }: Deployment,
  options: ReleaseOptions,
  before: readonly DeploymentObject[],
): Promise<Outcome> {
  try {
    const { added, changed } = changesSince(before, readDeployments(kubectl, namespace));
    if (changed.length > 0) say(`rolling back ${changed.join(', ')}`);
    const wanted = before.filter(({ metadata }) => changed.includes(metadata.name));
    await rollBack({ kubectl, namespace, limitMs: options.rollbackMs, say }, wanted);
    if (added.length > 0) throw new DeployError(`there is no version before of ${added.join(', ')}`);
    say(changed.length > 0 ? 'rolled back' : 'no Deployment had changed: nothing to roll back');
    return 'failed';
  } catch (error) {
    say(`THE ROLLBACK FAILED, look at it now (docs/troubleshooting.md): ${(error as Error).message}`);
    return 'stuck';
  }
}
