import { DeployError, type Kubectl } from '../deploy-k8s/kubectl.js';
import {
  asRevision,
  readDeployments,
  readRevisions,
  restore,
  versionOf,
  waitForPods,
  type DeploymentObject,
} from './deployments.js';

export interface Rollback {
  readonly kubectl: Kubectl;
  readonly namespace: string;
  readonly limitMs: number;
  say(text: string): void;
}

/**
 * Brings Deployments back to what they were. One that cannot be brought back does not keep the others away.
 * The databases stay as they are: migrations go forward only, and the code before one works with its schema.
 * @throws DeployError that names those that are not back
 */
export async function rollBack(
  { kubectl, limitMs, say }: Rollback,
  wanted: readonly DeploymentObject[],
): Promise<void> {
  const problems: string[] = [];
  const attempt = async (one: DeploymentObject, work: () => unknown): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof DeployError)) throw error;
      problems.push(`${one.metadata.name}: ${error.message}`);
      return false;
    }
  };
  const applied: DeploymentObject[] = [];
  for (const one of wanted) if (await attempt(one, () => restore(kubectl, one))) applied.push(one);
  const deadline = Date.now() + limitMs;
  for (const one of applied)
    if (await attempt(one, () => waitForPods(kubectl, one, deadline - Date.now())))
      say(`${one.metadata.name} is back at version ${versionOf(one)}`);
  if (problems.length > 0) throw new DeployError(`not rolled back:\n${problems.join('\n')}`);
}

/**
 * The Deployments as they were when a version ran.
 * @throws DeployError when the cluster does not know that version of each of our services any more
 */
export function findVersion({ kubectl, namespace }: Rollback, version: string): DeploymentObject[] {
  const revisions = readRevisions(kubectl, namespace);
  const services = readDeployments(kubectl, namespace).filter(isService);
  return services.map((now) => {
    const { name } = now.metadata;
    const known = (revisions.get(name) ?? []).map((template) => asRevision(now, template));
    const found = known.find((one) => versionOf(one) === version);
    if (found) return found;
    const versions = [...new Set(known.map(versionOf))].join(', ');
    throw new DeployError(
      `the cluster has no version '${version}' of ${name}: it knows ${versions}. Name one of them with TO, ` +
        'or release the older one anew',
    );
  });
}

function isService({ metadata }: DeploymentObject): boolean {
  return metadata.labels?.['app.kubernetes.io/component'] === 'service';
}
