import type { Environment } from '../../pkg/config/index.js';
import { withImages } from './images.js';
import { assertCluster, DeployError, Kubectl, serverSide } from './kubectl.js';
import { assertDatabasePlace, neededSecrets, render, toText, type Manifest } from './manifests.js';
import { assertRemovable, assertSameOverlay, overlayRecord, overlays } from './overlay.js';
import { assertSecrets, createSecrets } from './secrets.js';
import { numberOf } from './settings.js';
import { logOf, waitForJob, waitForRollout, type Waiting } from './waiting.js';

export const namespace = 'order-processing';
const logsNamespace = 'order-processing-logs';

export interface Deployment {
  readonly overlay: string;
  readonly kubectl: Kubectl;
  readonly env: Environment;
  /** Longest wait for one Job or one rollout. */
  readonly timeoutMs: number;
  say(text: string): void;
}

/** @throws DeployError when OVERLAY or TIMEOUT_SECONDS is invalid */
export function deploymentFrom(env: Environment, say: (text: string) => void): Deployment {
  const overlay = env['OVERLAY'] || 'dev';
  if (!overlays.includes(overlay))
    throw new DeployError(`OVERLAY is ${overlay}: it must be one of ${overlays.join(', ')}`);
  const timeoutMs = numberOf(env, 'TIMEOUT_SECONDS', 600) * 1000;
  return { overlay, kubectl: new Kubectl(env), env, timeoutMs, say };
}

/** Kinds of objects that are applied after the migrations. */
const lastKinds = new Set(['Deployment', 'HorizontalPodAutoscaler', 'PodDisruptionBudget']);
const isMigration = ({ kind }: Manifest): boolean => kind === 'Job';

/**
 * Deploys an overlay: applies the objects that pods need, runs the migrations, then rolls out the pods.
 * @throws DeployError when a check or a step fails
 */
export async function deploy(deployment: Deployment): Promise<void> {
  const { overlay, kubectl, say } = deployment;
  const all = prepare(deployment);
  const waiting = { ...deployment, namespace };
  assertOverlay(deployment);
  apply(
    kubectl,
    all.filter(({ kind }) => kind === 'Namespace'),
  );
  provideSecrets(deployment, neededSecrets(all));
  apply(kubectl, [overlayRecord(overlay, namespace)]);

  say('applying the objects that the services need');
  const foundation = all.filter((one) => !lastKinds.has(one.kind) && !isMigration(one));
  apply(kubectl, foundation);
  for (const { kind, metadata } of foundation)
    if (kind === 'StatefulSet' && metadata.labels?.['app.kubernetes.io/component'] === 'database')
      await waitForRollout(waiting, kind, metadata.name);

  say('migrating the databases');
  await runJobs(waiting, all.filter(isMigration));

  say('rolling out');
  apply(
    kubectl,
    all.filter(({ kind }) => lastKinds.has(kind)),
  );
  for (const { kind, metadata } of all)
    if (kind === 'Deployment' || kind === 'StatefulSet') await waitForRollout(waiting, kind, metadata.name);
  deployLogs(deployment, all);
  say(`${overlay} is deployed to the namespace ${namespace}`);
}

/** @throws DeployError when the cluster has another overlay, and CONFIRM does not name the overlay in the cluster */
export function assertOverlay({ overlay, kubectl, env }: Deployment): void {
  assertSameOverlay({ kubectl, namespace }, overlay, env['CONFIRM']);
}

/** Renders the objects of the overlay, and checks the objects and the cluster. */
function prepare({ overlay, kubectl, env }: Deployment): Manifest[] {
  const all = withImages(render(`overlays/${overlay}`, kubectl, env), env);
  assertDatabasePlace(all, overlay);
  assertCluster(kubectl);
  assertKinds(kubectl, all);
  return all.filter((one) => one.kind !== 'Namespace' || !isInPlace(kubectl, one));
}

/**
 * Returns whether the namespace exists with the pod security labels of the manifest. A namespace in place is not applied,
 * because the deploy account may not change namespaces.
 */
function isInPlace(kubectl: Kubectl, { kind, metadata }: Manifest): boolean {
  const found = kubectl.get(kind, metadata.name, metadata.name) as Pick<Manifest, 'metadata'> | undefined;
  const wanted = Object.entries(metadata.labels ?? {}).filter(([key]) => key.startsWith('pod-security.'));
  return found !== undefined && wanted.every(([key, value]) => found.metadata.labels?.[key] === value);
}

function assertKinds(kubectl: Kubectl, all: readonly Manifest[]): void {
  if (!all.some(({ apiVersion }) => apiVersion.startsWith('cert-manager.io/'))) return;
  if (kubectl.get('crd', 'certificates.cert-manager.io', namespace) === undefined)
    throw new DeployError(
      'the cluster has no cert-manager: install it (https://cert-manager.io), or leave out the component mutual-tls',
    );
}

function provideSecrets({ overlay, kubectl, say }: Deployment, names: readonly string[]): void {
  if (overlay !== 'dev') return assertSecrets(kubectl, namespace, names);
  const created = createSecrets(kubectl, namespace, names);
  if (created.length > 0) say(`created the Secrets ${created.join(', ')} with random passwords`);
}

function apply(kubectl: Kubectl, manifests: readonly Manifest[]): void {
  if (manifests.length > 0) kubectl.apply(toText(manifests));
}

/** Runs Jobs and waits for their end. Deletes the Jobs of earlier runs first, because the template of a Job is immutable. */
async function runJobs(waiting: Waiting, jobs: readonly Manifest[]): Promise<void> {
  const names = jobs.map(({ metadata }) => metadata.name);
  waiting.kubectl.run(['delete', 'job', ...names, '-n', namespace, '--ignore-not-found', '--wait']);
  apply(waiting.kubectl, jobs);
  for (const name of names) await waitForJob(waiting, name);
}

/** Deploys the log agents into their own namespace, if the overlay contains Loki and LOGS is not 0. */
function deployLogs({ kubectl, env, say }: Deployment, all: readonly Manifest[]): void {
  if (env['LOGS'] === '0' || !all.some(({ metadata }) => metadata.name === 'loki')) return;
  apply(kubectl, render('logs', kubectl, env));
  say(`the log agents are in the namespace ${logsNamespace} (LOGS=0 leaves them out)`);
}

/** Shows the changes that `deploy` would make, except Jobs and log agents. Returns whether there are changes. */
export function diff(deployment: Deployment): boolean {
  const { kubectl, say } = deployment;
  const all = prepare(deployment);
  const { code, stdout, stderr } = kubectl.try(
    ['diff', ...serverSide, '-f', '-'],
    toText(all.filter((one) => !isMigration(one))),
  );
  if (code > 1) throw new DeployError(stderr.trim());
  say(stdout.trim() === '' ? 'nothing would change' : stdout);
  return code === 1;
}

/** Removes the namespaces of the system and of the log agents, including all data. */
export function undeploy({ overlay, kubectl, env, say }: Deployment): void {
  assertCluster(kubectl);
  assertRemovable({ kubectl, namespace }, overlay, env['CONFIRM']);
  for (const name of [logsNamespace, namespace])
    kubectl.run(['delete', 'namespace', name, '--ignore-not-found', '--wait']);
  say(`the namespace ${namespace} is removed`);
}

/** @throws DeployError for production, whose services reject test-client */
export function assertSmokeTest({ overlay }: Pick<Deployment, 'overlay'>): void {
  if (overlay !== 'production') return;
  throw new DeployError(
    'test-client places orders, and may not call the services of production: run the smoke test with OVERLAY=staging',
  );
}

/** Runs the scenarios of test-client inside the cluster and prints the output of test-client. */
export async function smokeTest(deployment: Deployment): Promise<void> {
  assertSmokeTest(deployment);
  const { overlay, kubectl, env, say } = deployment;
  const folder = overlay === 'dev' ? 'smoke-test/plain' : 'smoke-test/mutual-tls';
  const all = withImages(render(folder, kubectl, env), env);
  assertCluster(kubectl);
  assertOverlay(deployment);
  const waiting = { ...deployment, namespace };
  apply(
    kubectl,
    all.filter((one) => !isMigration(one)),
  );
  await runJobs(waiting, all.filter(isMigration));
  say(logOf(waiting, 'test-client'));
}
