import type { Environment } from '../../pkg/config/index.js';
import { withImages } from './images.js';
import { assertCluster, DeployError, Kubectl } from './kubectl.js';
import { assertDatabasePlace, neededSecrets, render, toText, type Manifest } from './manifests.js';
import { assertRemovable, assertSameOverlay, overlayRecord, overlays } from './overlay.js';
import { assertSecrets, makeSecrets } from './secrets.js';
import { numberOf } from './settings.js';
import { logOf, waitForJob, waitForRollout } from './waiting.js';
import type { Waiting } from './watch.js';

export const namespace = 'order-processing';
const logsNamespace = 'order-processing-logs';

export interface Deployment {
  readonly overlay: string;
  readonly kubectl: Kubectl;
  readonly env: Environment;
  say(text: string): void;
}

/** @throws DeployError when there is no such overlay */
export function deploymentFrom(env: Environment, say: (text: string) => void): Deployment {
  const overlay = env['OVERLAY'] || 'dev';
  if (!overlays.includes(overlay))
    throw new DeployError(`OVERLAY is ${overlay}: there are ${overlays.join(', ')}`);
  return { overlay, kubectl: new Kubectl(env), env, say };
}

/** What is applied when: what a kind needs comes before it, and the schema before the code. */
const last = new Set(['Deployment', 'HorizontalPodAutoscaler', 'PodDisruptionBudget']);
const isMigration = ({ kind }: Manifest): boolean => kind === 'Job';

/**
 * Brings a cluster to an overlay: what pods need, then the databases' schemas, then the pods.
 * @throws DeployError that says what a person has to do
 */
export async function deploy(deployment: Deployment): Promise<void> {
  const { overlay, kubectl, say } = deployment;
  const all = prepare(deployment);
  const waiting = waitingOf(deployment);
  assertOverlay(deployment);
  apply(
    kubectl,
    all.filter(({ kind }) => kind === 'Namespace'),
  );
  provideSecrets(deployment, neededSecrets(all));
  apply(kubectl, [overlayRecord(overlay, namespace)]);

  say('applying what the services need');
  const foundation = all.filter((one) => !last.has(one.kind) && !isMigration(one));
  apply(kubectl, foundation);
  const databases = foundation.filter(
    ({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === 'database',
  );
  for (const one of databases.filter(({ kind }) => kind === 'StatefulSet'))
    await waitForRollout(waiting, one);

  say('migrating the databases');
  await runJobs(waiting, all.filter(isMigration));

  say('rolling out');
  const rest = all.filter(({ kind }) => last.has(kind));
  apply(kubectl, rest);
  for (const one of all.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet'))
    await waitForRollout(waiting, one);
  deployLogs(deployment, all);
  say(`${overlay} is deployed to the namespace ${namespace}`);
}

/** @throws DeployError when the cluster has another overlay, and nobody confirmed that it is to go */
export function assertOverlay({ overlay, kubectl, env }: Deployment): void {
  assertSameOverlay({ kubectl, namespace }, overlay, env['CONFIRM']);
}

/** Everything of the overlay, after all that can be known to be missing was looked for. */
function prepare({ overlay, kubectl, env }: Deployment): Manifest[] {
  const all = withImages(render(`overlays/${overlay}`, kubectl, env), env);
  assertDatabasePlace(all, overlay);
  assertCluster(kubectl);
  assertKinds(kubectl, all);
  return all.filter((one) => one.kind !== 'Namespace' || !isInPlace(kubectl, one));
}

/** A namespace that restricts its pods as it should is left alone: who deploys may not be allowed to change it. */
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
  const made = makeSecrets(kubectl, namespace, names);
  if (made.length > 0) say(`made the Secrets ${made.join(', ')}, with passwords of their own`);
}

function waitingOf({ kubectl, env, say }: Deployment): Waiting {
  return { kubectl, namespace, say, timeoutMs: numberOf(env, 'TIMEOUT_SECONDS', 600) * 1000 };
}

function apply(kubectl: Kubectl, manifests: readonly Manifest[]): void {
  if (manifests.length === 0) return;
  // On the server's side: dashboards are larger than the annotation that the other way writes.
  kubectl.run(
    ['apply', '--server-side', '--force-conflicts', '--field-manager=order-processing', '-f', '-'],
    toText(manifests),
  );
}

/** The template of a Job cannot change: the one of the version before makes room. */
async function runJobs(waiting: Waiting, jobs: readonly Manifest[]): Promise<void> {
  const names = jobs.map(({ metadata }) => metadata.name);
  waiting.kubectl.run(['delete', 'job', ...names, '-n', namespace, '--ignore-not-found', '--wait']);
  apply(waiting.kubectl, jobs);
  for (const name of names) await waitForJob(waiting, name);
}

/** The agents that bring log lines to Loki, in a namespace of their own. */
function deployLogs({ kubectl, env, say }: Deployment, all: readonly Manifest[]): void {
  if (env['LOGS'] === '0' || !all.some(({ metadata }) => metadata.name === 'loki')) return;
  apply(kubectl, render('logs', kubectl, env));
  say(`the log agents are in the namespace ${logsNamespace} (LOGS=0 leaves them out)`);
}

/** Shows what `deploy` would change; returns whether there is anything. */
export function diff(deployment: Deployment): boolean {
  const { kubectl, say } = deployment;
  const all = prepare(deployment);
  const { code, stdout, stderr } = kubectl.try(
    ['diff', '--server-side', '--force-conflicts', '--field-manager=order-processing', '-f', '-'],
    toText(all.filter((one) => !isMigration(one))),
  );
  if (code > 1) throw new DeployError(stderr.trim());
  say(stdout.trim() === '' ? 'nothing would change' : stdout);
  return code === 1;
}

/** Removes everything, data included. */
export function undeploy({ overlay, kubectl, env, say }: Deployment): void {
  assertCluster(kubectl);
  assertRemovable({ kubectl, namespace }, overlay, env['CONFIRM']);
  for (const name of [logsNamespace, namespace])
    kubectl.run(['delete', 'namespace', name, '--ignore-not-found', '--wait']);
  say(`the namespace ${namespace} is gone`);
}

/** @throws DeployError when test-client may not call the services of the overlay */
export function assertSmokeTest({ overlay }: Pick<Deployment, 'overlay'>): void {
  if (overlay !== 'production') return;
  throw new DeployError(
    'test-client places orders, and may not call the services of production: play the smoke test with OVERLAY=staging',
  );
}

/** Plays the scenarios of test-client inside the cluster; its output is printed. */
export async function smokeTest(deployment: Deployment): Promise<void> {
  assertSmokeTest(deployment);
  const { overlay, kubectl, env, say } = deployment;
  const folder = overlay === 'dev' ? 'smoke-test/plain' : 'smoke-test/mutual-tls';
  const all = withImages(render(folder, kubectl, env), env);
  assertCluster(kubectl);
  assertOverlay(deployment);
  const waiting = waitingOf(deployment);
  apply(
    kubectl,
    all.filter((one) => !isMigration(one)),
  );
  await runJobs(waiting, all.filter(isMigration));
  say(logOf(waiting, 'test-client'));
}
