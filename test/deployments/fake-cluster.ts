import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadEnvironment, type Environment } from '../../pkg/config/index.js';

type Phase = 'before' | 'after' | 'restored';

/** A cluster that is a folder: what its kubectl answers, and what it was asked. */
export interface FakeCluster {
  /** In which kubectl and kustomize are the fake. */
  readonly env: Environment;
  /** Makes kubectl fail in a phase, by its verb. */
  fail(phase: Phase, verb: string, message: string): void;
  failOnce(phase: Phase, verb: string, message: string): void;
  /** Answers of kubectl from a phase on, by file. */
  answer(phase: Phase, file: string, content: unknown): void;
  calls(): string[];
  /** All that was applied, in that order. */
  applied(): string;
  /** The Deployments that were applied by the rollback. */
  restored(): { metadata: { name: string }; spec: Record<string, unknown> }[];
  remove(): void;
}

const names = ['order-service', 'payment-service'];

/** Two services at version v1, of which v2 is about to be released; all goes well. */
export function fakeCluster(): FakeCluster {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fake-cluster-'));
  const write = (file: string, content: unknown): void => {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), typeof content === 'string' ? content : JSON.stringify(content));
  };
  const read = (file: string): string[] => {
    try {
      return readFileSync(path.join(folder, file), 'utf8').trim().split('\n');
    } catch {
      return [];
    }
  };
  const program = path.resolve('test/deployments/fake-kubectl.sh');
  const kustomize = path.join(folder, 'kustomize');
  write(
    'kustomize',
    `#!/bin/sh\ncase "$2" in\n*smoke*) cat ${folder}/smoke-test.yaml ;;\n*) cat ${folder}/manifests.yaml ;;\nesac\n`,
  );
  chmodSync(kustomize, 0o755);
  write('phase', 'before');
  write('manifests.yaml', manifests);
  write('smoke-test.yaml', job('test-client'));
  write('pods.json', { items: names.map((name) => pod(name)) });
  write('rollout-pods.json', { items: [] });
  write('job-pods.json', { items: [] });
  write('overlay.json', '');
  write('log', 'what it says\n');
  write('previous-log', 'what it said last\n');
  write('calls.json', [{ value: [0, '1000'] }]);
  write('failed.json', []);
  for (const name of ['order-service-migration', 'test-client'])
    write(`job-${name}.json`, {
      metadata: {},
      spec: {},
      status: { conditions: [{ type: 'Complete', status: 'True' }] },
    });
  write('before/deployments.json', { items: names.map((name) => deployment(name, 'v1')) });
  write('after/deployments.json', { items: names.map((name) => deployment(name, 'v2')) });
  write('restored/deployments.json', { items: names.map((name) => deployment(name, 'v1')) });
  for (const name of names) write(`deployment-${name}.json`, deployment(name, 'v2'));
  return {
    env: {
      PATH: loadEnvironment()['PATH'],
      KUBECTL: program,
      KUSTOMIZE: kustomize,
      CLUSTER: folder,
      OVERLAY: 'dev',
      LOGS: '0',
    },
    fail: (phase, verb, message) => write(`fails-${phase}-${verb}`, message),
    failOnce: (phase, verb, message) => write(`fails-once-${phase}-${verb}`, message),
    answer: (phase, file, content) => write(`${phase}/${file}`, content),
    calls: () => read('calls'),
    applied: () => read('all-applied').join('\n'),
    restored: () =>
      read('restored-objects').map(
        (line) => JSON.parse(line) as { metadata: { name: string }; spec: Record<string, unknown> },
      ),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** A Deployment as a cluster shows it. */
export function deployment(name: string, version: string, status: Record<string, number> = rolledOut) {
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/component': 'service' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      namespace: 'order-processing',
      labels: { ...labels, 'app.kubernetes.io/version': version },
      annotations: { 'deployment.kubernetes.io/revision': version.slice(1) },
      resourceVersion: '42',
      generation: 1,
    },
    spec: { replicas: 5, selector: { matchLabels: labels }, template: template(name, version) },
    status: { observedGeneration: 1, ...status },
  };
}

const rolledOut = { replicas: 5, updatedReplicas: 5, readyReplicas: 5, availableReplicas: 5 };

export function template(name: string, version: string) {
  return {
    metadata: { labels: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/version': version } },
    spec: { containers: [{ name: 'service', image: `order-processing/${name}:${version}` }] },
  };
}

export function pod(name: string, { ready = true, restarts = 0 } = {}) {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  return {
    metadata: { name: `${name}-1` },
    status: { conditions, containerStatuses: [{ restartCount: restarts }] },
  };
}

const job = (name: string): string => `apiVersion: batch/v1
kind: Job
metadata: { name: ${name}, namespace: order-processing }
spec: { template: { spec: { containers: [] } } }
`;

const manifests = [
  'apiVersion: v1\nkind: Namespace\nmetadata: { name: order-processing }\n',
  job('order-service-migration'),
  ...names.map(
    (name) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: order-processing
  labels: { app.kubernetes.io/name: ${name} }
spec: { template: { spec: { containers: [{ name: service, image: order-processing/${name}:v2 }] } } }
`,
  ),
].join('---\n');
