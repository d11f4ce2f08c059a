// make release-k8s: deploys, watches, rolls back when it is bad. make rollback-k8s: back to the version TO, or to what
// RELEASE_RECORD holds. Ends with 0, with 1 when what ran before runs, with 2 when a person has to look.
import { loadEnvironment, type Environment } from '../../pkg/config/index.js';
import { deploymentFrom, namespace, type Deployment } from '../deploy-k8s/deploy.js';
import { assertCluster, contextOf, DeployError } from '../deploy-k8s/kubectl.js';
import type { DeploymentObject } from './deployments.js';
import { releaseOptions } from './options.js';
import { readRecord, writeRecord } from './record.js';
import { release, undo, type Outcome } from './release.js';
import { findVersion, rollBack } from './rollback.js';

const exitCodes: Readonly<Record<Outcome, number>> = { released: 0, failed: 1, stuck: 2 };

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function runRelease(deployment: Deployment, env: Environment): Promise<number> {
  const record = env['RELEASE_RECORD'] ?? '';
  const keep = (before: readonly DeploymentObject[]): void => {
    if (record !== '') writeRecord(record, before);
  };
  return exitCodes[await release({ deployment, options: releaseOptions(env), keep })];
}

async function runRollback(deployment: Deployment, env: Environment): Promise<number> {
  const { kubectl } = deployment;
  const options = releaseOptions(env);
  const { TO: version = '', RELEASE_RECORD: record = '' } = env;
  if (version !== '' && record !== '')
    throw new DeployError(`TO is ${version} and RELEASE_RECORD is ${record}: say one of them, not both`);
  const before = record === '' ? undefined : readRecord(record);
  assertCluster(kubectl);
  if (before) return (await undo(deployment, options, before)) === 'failed' ? 0 : 2;
  const how = { kubectl, namespace, limitMs: options.rollbackMs, say };
  const wanted = findVersion(how, version);
  try {
    await rollBack(how, wanted);
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
  if (!command) throw new DeployError(`what to do? One of ${Object.keys(commands).join(', ')}`);
  const deployment = deploymentFrom(env, say);
  say(`cluster: ${contextOf(deployment.kubectl) || 'no context'}`);
  process.exitCode = await command(deployment, env);
} catch (error) {
  if (!(error instanceof DeployError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
