// make release-k8s: deploys a version, watches it, and rolls it back if it is bad. make rollback-k8s: restores the version TO,
// or the Deployments in RELEASE_RECORD. Exit codes: 0 after a success; 1 after a failure that leaves the
// previous version running; 2 after a failed rollback.
import { loadEnvironment, type Environment } from '../../pkg/config/index.js';
import { deploymentFrom, namespace, type Deployment } from '../deploy-k8s/deploy.js';
import { assertCluster, contextOf, DeployError } from '../deploy-k8s/kubectl.js';
import { findVersion, readRecord, writeRecord } from './deployments.js';
import { releaseOptions } from './options.js';
import { release } from './release.js';
import { rollBack, undo, type Outcome } from './rollback.js';

const exitCodes: Readonly<Record<Outcome, number>> = { released: 0, failed: 1, stuck: 2 };

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function runRelease(deployment: Deployment, env: Environment): Promise<number> {
  const record = env['RELEASE_RECORD'] ?? '';
  const outcome = await release({
    deployment,
    options: releaseOptions(env),
    keep: (before) => (record === '' ? undefined : writeRecord(record, before)),
  });
  return exitCodes[outcome];
}

async function runRollback(deployment: Deployment, env: Environment): Promise<number> {
  const { kubectl } = deployment;
  const { TO: version = '', RELEASE_RECORD: record = '' } = env;
  if (version !== '' && record !== '')
    throw new DeployError(`TO is ${version} and RELEASE_RECORD is ${record}: set one of them`);
  const before = record === '' ? undefined : readRecord(record);
  assertCluster(kubectl);
  if (before) return (await undo(deployment, before)) === 'failed' ? 0 : 2;
  const wanted = findVersion(kubectl, namespace, version);
  try {
    await rollBack(deployment, wanted);
    return 0;
  } catch (error) {
    say((error as Error).message);
    return 2;
  }
}

const commands = { release: runRelease, rollback: runRollback };

try {
  const env = loadEnvironment();
  const command = commands[process.argv[2] as keyof typeof commands];
  if (!command) throw new DeployError(`commands are ${Object.keys(commands).join(', ')}`);
  const deployment = deploymentFrom(env, say);
  say(`cluster: ${contextOf(deployment.kubectl) || 'no context'}`);
  process.exitCode = await command(deployment, env);
} catch (error) {
  if (!(error instanceof DeployError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
