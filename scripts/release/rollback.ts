import { namespace, type Deployment } from '../deploy-k8s/deploy.js';
import { DeployError } from '../deploy-k8s/kubectl.js';
import { waitForRollout } from '../deploy-k8s/waiting.js';
import { changesSince, readDeployments, versionOf, type DeploymentObject } from './deployments.js';

/** `failed`: the previous version runs. `stuck`: the rollback failed, and a person has to act. */
export type Outcome = 'released' | 'failed' | 'stuck';

/** Restores the Deployments that differ from `before`. Returns `stuck` when a Deployment cannot be restored. */
export async function undo(deployment: Deployment, before: readonly DeploymentObject[]): Promise<Outcome> {
  const { kubectl, say } = deployment;
  try {
    const { added, changed } = changesSince(before, readDeployments(kubectl, namespace));
    if (changed.length > 0) say(`rolling back ${changed.join(', ')}`);
    await rollBack(
      deployment,
      before.filter(({ metadata }) => changed.includes(metadata.name)),
    );
    if (added.length > 0) throw new DeployError(`there is no previous version of ${added.join(', ')}`);
    say(changed.length > 0 ? 'rolled back' : 'no Deployment had changed: nothing to roll back');
    return 'failed';
  } catch (error) {
    say(`THE ROLLBACK FAILED, look at it now (docs/troubleshooting.md): ${(error as Error).message}`);
    return 'stuck';
  }
}

/**
 * Restores Deployments. If one Deployment fails, the others are still restored.
 * Migrations are not undone: the previous version of a service works with the new schema.
 * The Deployments are applied with the field manager of releases, because `kubectl rollout undo` would make another field
 * manager the owner of the fields.
 * @throws DeployError that names each Deployment that is not restored
 */
export async function rollBack(deployment: Deployment, wanted: readonly DeploymentObject[]): Promise<void> {
  const { kubectl, say } = deployment;
  const problems: string[] = [];
  const attempt = async (name: string, work: () => unknown): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      problems.push(`${name}: ${error.message}`);
      return false;
    }
  };
  const applied: DeploymentObject[] = [];
  for (const one of wanted)
    if (await attempt(one.metadata.name, () => kubectl.apply(JSON.stringify(one)))) applied.push(one);
  const deadline = Date.now() + deployment.timeoutMs;
  for (const one of applied) {
    const { kind, metadata } = one;
    const rest = { ...deployment, namespace, timeoutMs: Math.max(1000, deadline - Date.now()) };
    if (await attempt(metadata.name, () => waitForRollout(rest, kind, metadata.name)))
      say(`${metadata.name} is back at version ${versionOf(one)}`);
  }
  if (problems.length > 0) throw new DeployError(`not rolled back:\n${problems.join('\n')}`);
}
