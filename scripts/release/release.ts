import { assertOverlay, assertSmokeTest, deploy, namespace, smokeTest } from '../deploy-k8s/deploy.js';
import type { Deployment } from '../deploy-k8s/deploy.js';
import { assertCluster } from '../deploy-k8s/kubectl.js';
import { readDeployments, type DeploymentObject } from './deployments.js';
import type { ReleaseOptions } from './options.js';
import { prometheusAt, prometheusInCluster } from './prometheus.js';
import { undo, type Outcome } from './rollback.js';
import { watch } from './watch.js';

export interface Release {
  readonly deployment: Deployment;
  readonly options: ReleaseOptions;
  /** Stores the previous Deployments, so that an interrupted release can be rolled back. */
  keep(before: readonly DeploymentObject[]): void;
}

/**
 * Deploys a version, runs the smoke test and watches the version. If a step fails, restores the previous Deployments.
 * @throws DeployError when a check before the deployment fails
 */
export async function release({ deployment, options, keep }: Release): Promise<Outcome> {
  const { kubectl, say } = deployment;
  const { prometheusUrl: url } = options;
  if (options.smokeTest) assertSmokeTest(deployment);
  const prometheus = url === undefined ? prometheusInCluster(kubectl, namespace) : prometheusAt(url);
  assertCluster(kubectl);
  assertOverlay(deployment);
  const before = readDeployments(kubectl, namespace);
  // Checks that Prometheus answers, because the watch needs it. Before the first release there is no Prometheus.
  if (before.length > 0) await prometheus('vector(1)');
  keep(before);
  try {
    await deploy(deployment);
    const sinceMs = Date.now();
    if (options.smokeTest) {
      say('running the scenarios of test-client');
      await smokeTest(deployment);
    }
    await watch({ kubectl, namespace, prometheus, options, sinceMs, say });
    say('released');
    return 'released';
  } catch (error) {
    say(`THE RELEASE FAILED: ${(error as Error).message}`);
    return await undo(deployment, before);
  }
}
