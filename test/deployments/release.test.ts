import { expect } from 'chai';
import path from 'node:path';
import type { Environment } from '../../pkg/config/index.js';
import { startControlPlane, type ControlPlane } from '../lab/control-plane/control-plane.js';
import { namespace } from '../lab/control-plane/installation.js';
import {
  defaultOutcome,
  simulateKubelet,
  type ApiPod,
  type PodOutcome,
  type Kubelet,
} from '../lab/control-plane/kubelet.js';
import { simulatePrometheus, type SimulatedPrometheus } from '../lab/control-plane/prometheus.js';
import { runScript } from '../lab/control-plane/scripts.js';
import { describeWith } from '../lab/requirements.js';
import { services } from './system.js';

interface DeploymentObject {
  readonly metadata: {
    readonly name: string;
    readonly managedFields: readonly { readonly manager: string; readonly subresource?: string }[];
  };
  readonly spec: {
    readonly replicas: number;
    readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
  };
}

const imageOf = ({ spec }: ApiPod): string => spec.containers[0]?.image ?? '';

describeWith(['kustomize', 'kubernetes', 'kubectl', 'etcd'], 'make release-k8s on a real API server', () => {
  let cluster: ControlPlane;
  let kubelet: Kubelet;
  let prometheus: SimulatedPrometheus;

  before(async () => {
    prometheus = await simulatePrometheus();
    cluster = await startControlPlane();
    kubelet = simulateKubelet(cluster, namespace);
  });

  after(async () => {
    await kubelet?.close();
    await cluster?.stop();
    await prometheus?.close();
  });

  afterEach(() => {
    kubelet.outcome = defaultOutcome;
    prometheus.failed = 0;
  });

  /** Runs a command, expects its exit code, and returns its output. */
  const ends = async (code: number, command: string, env: Environment): Promise<string> => {
    const quick = { PROMETHEUS_URL: prometheus.url, WATCH_SECONDS: '1', TIMEOUT_SECONDS: '20', LOGS: '0' };
    const ended = await runScript(cluster, ['release', command], { ...quick, ...env });
    expect(ended.code, ended.output).to.equal(code);
    return ended.output;
  };
  const deployments = (): DeploymentObject[] => {
    const args = ['get', 'deployments', '-n', namespace, '-o', 'json', '--show-managed-fields'];
    const { items } = JSON.parse(cluster.kubectl(args)) as { readonly items: readonly DeploymentObject[] };
    return items.filter(({ metadata }) => services.some(({ name }) => name === metadata.name));
  };
  const images = (): string[] =>
    deployments().map(({ spec }) => spec.template.spec.containers[0]?.image ?? '');
  const digestOf = (version: string): string => `sha256:${version[0]?.repeat(64)}`;
  const version = (tag: string): Environment => ({
    IMAGE_TAG: tag,
    IMAGE_DIGESTS: services.map(({ name }) => `${name}=${digestOf(tag)}`).join(' '),
  });
  /** Sets the outcome of the service pods, or of the migration pods, of one version. */
  const fail = (kind: 'service' | 'migration', tag: string, outcome: PodOutcome): void => {
    kubelet.outcome = (pod) => {
      const isKind = (pod.spec.restartPolicy === 'Never') === (kind === 'migration');
      return isKind && imageOf(pod).includes(`:${tag}`) ? outcome : defaultOutcome(pod);
    };
  };

  it('exits with 2 when the first release is bad, because there is no previous version', async () => {
    prometheus.failed = 500;
    expect(await ends(2, 'release', version('1.0.0'))).to.match(
      /there is no previous version of .*order-service/,
    );
  });

  it('keeps a good version', async () => {
    expect(await ends(0, 'release', version('1.0.0'))).to.include('0.00 % of 1000 calls failed');
    for (const image of images()) expect(image.endsWith(`:1.0.0@${digestOf('1.0.0')}`), image).to.equal(true);
  });

  it('rolls back when calls fail, and keeps the number of replicas', async () => {
    cluster.kubectl(['scale', 'deployment/order-service', '-n', namespace, '--replicas=2']);
    prometheus.failed = 500;
    const before = images();
    expect(await ends(1, 'release', version('2.0.0')))
      .to.include('50.00 % of 1000 calls failed')
      .and.to.include('rolled back');
    expect(images()).to.deep.equal(before);
    const order = deployments().find(({ metadata }) => metadata.name === 'order-service');
    expect(order?.spec.replicas).to.equal(2);
  });

  it('is the only owner of the fields of Deployments, so that a later release can remove each field', () => {
    for (const { metadata } of deployments()) {
      const managers = metadata.managedFields
        // kube-controller-manager writes the revision of a Deployment.
        .filter(({ manager, subresource }) => !subresource && manager !== 'kube-controller-manager')
        .map(({ manager }) => manager);
      expect(managers, metadata.name).to.deep.equal(['order-processing']);
    }
  });

  const bad: readonly (readonly [title: string, tag: string, outcome: PodOutcome, env: Environment])[] = [
    [
      'images of the new version are unavailable',
      '9.0.0',
      { waiting: 'ImagePullBackOff' },
      { TIMEOUT_SECONDS: '10' },
    ],
    ['pods of the new version stay unready', '9.1.0', 'unready', { TIMEOUT_SECONDS: '10' }],
  ];
  for (const [title, tag, outcome, env] of bad)
    it(`rolls back when ${title}`, async () => {
      fail('service', tag, outcome);
      const before = images();
      const output = await ends(1, 'release', { ...version(tag), ...env });
      expect(output).to.include('is not rolled out').and.to.include('is back at version 1.0.0');
      expect(images()).to.deep.equal(before);
    });

  it('rolls back when the smoke test fails', async () => {
    kubelet.outcome = (pod) =>
      imageOf(pod).includes('/test-client:') ? { exitCode: 1 } : defaultOutcome(pod);
    const before = images();
    const env = { IMAGE_TAG: '2.1.0', SMOKE_TEST: '1' };
    expect(await ends(1, 'release', env))
      .to.include('Job test-client failed')
      .and.to.include('rolled back');
    expect(images()).to.deep.equal(before);
  });

  it('changes no Deployment when a migration fails', async () => {
    fail('migration', '2.2.0', { exitCode: 1 });
    const output = await ends(1, 'release', { ...version('2.2.0'), TIMEOUT_SECONDS: '60' });
    expect(output).to.include('nothing to roll back');
  });

  it('exits with 2 when the release and its rollback fail', async () => {
    prometheus.failed = 500;
    // After 2.3.0 has started, new pods of 1.0.0 do not become ready, so the rollback fails.
    let isReleased = false;
    kubelet.outcome = (pod) => {
      isReleased ||= imageOf(pod).includes('/order-service:2.3.0');
      const isService = pod.spec.restartPolicy !== 'Never';
      return isReleased && isService && imageOf(pod).includes(':1.0.0') ? 'unready' : defaultOutcome(pod);
    };
    expect(await ends(2, 'release', version('2.3.0'))).to.include('THE ROLLBACK FAILED');
    kubelet.outcome = defaultOutcome;
    prometheus.failed = 0;
    cluster.kubectl(['delete', 'pods', '--all', '-n', namespace, '--force', '--grace-period=0']);
    await ends(0, 'release', version('1.0.0'));
  });

  it('changes nothing when Prometheus does not answer', async () => {
    const before = images();
    const env = { ...version('2.4.0'), PROMETHEUS_URL: 'http://127.0.0.1:1' };
    expect(await ends(1, 'release', env)).to.include('Prometheus does not answer');
    expect(images()).to.deep.equal(before);
  });

  it('can be rolled back with the record of the release', async () => {
    const before = images();
    const RELEASE_RECORD = path.join(cluster.folder, 'record.json');
    await ends(0, 'release', { ...version('3.0.0'), RELEASE_RECORD });
    await ends(0, 'rollback', { RELEASE_RECORD });
    expect(images()).to.deep.equal(before);
  });

  it('can be rolled back to a version that the cluster has run, with the digests of that version', async () => {
    const before = images();
    await ends(0, 'release', version('3.0.0'));
    expect(await ends(0, 'rollback', { TO: '1.0.0' })).to.include('is back at version 1.0.0');
    expect(images()).to.deep.equal(before);
    expect(await ends(1, 'rollback', { TO: '0.1.0' })).to.match(/no version '0\.1\.0'.*3\.0\.0/);
  });

  const rejected: readonly (readonly [env: Environment, message: string])[] = [
    [{ RELEASE_RECORD: '/nonexistent' }, 'RELEASE_RECORD is /nonexistent'],
    [{ RELEASE_RECORD: 'package.json' }, 'no release wrote it'],
    [{ RELEASE_RECORD: 'package.json', TO: 'v1' }, 'set one of them'],
  ];
  for (const [env, message] of rejected)
    it(`rejects a rollback with the settings ${JSON.stringify(env)}`, async () => {
      expect(await ends(1, 'rollback', env))
        .to.include(message)
        .and.not.to.include('    at ');
    });

  it('rejects a RELEASE_RECORD that cannot be written, and a MAX_ERROR_RATIO that is not a number', async () => {
    const before = images();
    await ends(1, 'release', { ...version('4.0.0'), RELEASE_RECORD: '/nonexistent/record' });
    expect(await ends(1, 'release', { MAX_ERROR_RATIO: 'few' })).to.include('MAX_ERROR_RATIO is few');
    expect(images()).to.deep.equal(before);
  });
});
