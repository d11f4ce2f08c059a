import { expect } from 'chai';
import type { Environment } from '../../pkg/config/index.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { namespace } from './installation.js';
import { playKubelet, type Kubelet } from './kubelet.js';
import { playPrometheus, type PlayedPrometheus } from './played-prometheus.js';
import { runScript } from './scripts.js';
import { services } from './system.js';
import { describeWith } from './tools.js';

interface DeploymentList {
  readonly items: readonly {
    readonly metadata: {
      readonly name: string;
      readonly managedFields: readonly { readonly manager: string; readonly subresource?: string }[];
    };
    readonly spec: {
      readonly replicas: number;
      readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
    };
  }[];
}

describeWith(['kustomize', 'kubernetes', 'kubectl', 'etcd'], 'a release on a real API server', () => {
  let cluster: ControlPlane;
  let kubelet: Kubelet;
  let prometheus: PlayedPrometheus;

  before(async () => {
    prometheus = await playPrometheus();
    cluster = await startControlPlane();
    kubelet = playKubelet(cluster, namespace);
  });
  after(async () => {
    await kubelet?.close();
    await cluster?.stop();
    await prometheus?.close();
  });

  const run = (command: string, env: Environment) => {
    const always = { PROMETHEUS_URL: prometheus.url, WATCH_SECONDS: '1', LOGS: '0' };
    return runScript(cluster, ['release', command], { ...always, ...env });
  };

  const deployments = (): DeploymentList['items'] => {
    const args = ['get', 'deployments', '-n', namespace, '-o', 'json', '--show-managed-fields'];
    const names = new Set<string>(services.map(({ name }) => name));
    const { items } = JSON.parse(cluster.kubectl(args)) as DeploymentList;
    return items.filter(({ metadata }) => names.has(metadata.name));
  };
  const images = (): string[] =>
    deployments().map(({ spec }) => spec.template.spec.containers[0]?.image ?? '');
  const digestOf = (version: string): string => `sha256:${version[0]?.repeat(64)}`;
  const released = (version: string): Environment => ({
    IMAGE_TAG: version,
    IMAGE_DIGESTS: services.map(({ name }) => `${name}=${digestOf(version)}`).join(' '),
  });

  it('stays when it is well', async () => {
    const { code, output } = await run('release', released('1.0.0'));
    expect(code, output).to.equal(0);
    for (const image of images()) expect(image.endsWith(`:1.0.0@${digestOf('1.0.0')}`), image).to.equal(true);
  });

  it('is rolled back when calls fail, and replicas stay as the autoscaler has them', async () => {
    cluster.kubectl(['scale', 'deployment/order-service', '-n', namespace, '--replicas=2']);
    prometheus.failed = 500;
    const before = images();
    const { code, output } = await run('release', released('2.0.0'));
    prometheus.failed = 0;
    expect(code, output).to.equal(1);
    expect(output).to.include('50.00 % of 1000 calls failed').and.to.include('rolled back');
    expect(images()).to.deep.equal(before);
    expect(deployments().find(({ metadata }) => metadata.name === 'order-service')?.spec.replicas).to.equal(
      2,
    );
  });

  it('leaves no field behind that the next release could not take away', () => {
    for (const { metadata } of deployments()) {
      const managers = metadata.managedFields.filter(({ subresource }) => subresource === undefined);
      // Its controller writes the revision.
      const others = managers.filter(({ manager }) => manager !== 'kube-controller-manager');
      expect(
        others.map(({ manager }) => manager),
        metadata.name,
      ).to.deep.equal(['order-processing']);
    }
  });

  it('is rolled back when its images cannot be had', async () => {
    kubelet.fate = ({ spec }) => {
      if (spec.restartPolicy === 'Never') return { ends: 0 };
      return spec.containers[0]?.image.endsWith(':9.9.9') ? { waits: 'ImagePullBackOff' } : 'serves';
    };
    const before = images();
    const { code, output } = await run('release', { IMAGE_TAG: '9.9.9', TIMEOUT_SECONDS: '60' });
    expect(code, output).to.equal(1);
    expect(output).to.include('cannot be had');
    expect(images()).to.deep.equal(before);
  });

  it('can be taken back later, to a version that the cluster still has, digests and all', async () => {
    const before = images();
    expect((await run('release', { IMAGE_TAG: '3.0.0' })).code).to.equal(0);
    const { code, output } = await run('rollback', { TO: '1.0.0' });
    expect(code, output).to.equal(0);
    expect(images()).to.deep.equal(before);
    expect((await run('rollback', { TO: '0.1.0' })).output)
      .to.include("no version '0.1.0'")
      .and.to.include('3.0.0');
  });
});
