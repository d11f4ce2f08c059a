import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { loadEnvironment, type Environment } from '../../pkg/config/index.js';
import { eventually } from '../system/dev-process.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { playKubelet, type Kubelet } from './kubelet.js';
import { services } from './system.js';
import { describeWith, fileOf } from './tools.js';

const namespace = 'order-processing';

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
  /** Of 1000 calls, by what Prometheus says. */
  let failed = 0;
  const prometheus = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://localhost').searchParams.get('query') ?? '';
    const value = query.includes('status=~') ? failed : 1000;
    response.end(JSON.stringify({ data: { result: [{ value: [0, String(value)] }] } }));
  });

  before(async () => {
    prometheus.listen(0, '127.0.0.1');
    await once(prometheus, 'listening');
    cluster = await startControlPlane();
    await eventually('the API server says that it is ready', isReady, 60_000);
    kubelet = playKubelet(cluster, namespace);
  });
  after(async () => {
    await kubelet?.close();
    await cluster?.stop();
    prometheus.close();
  });

  function isReady(): boolean {
    try {
      return cluster.kubectl(['get', '--raw', '/readyz']) === 'ok';
    } catch {
      return false;
    }
  }

  function run(command: string, env: Environment): Promise<{ code: number | null; output: string }> {
    const { port } = prometheus.address() as AddressInfo;
    const child = spawn(process.execPath, ['--import=tsx', 'scripts/release/main.ts', command], {
      env: {
        ...loadEnvironment(),
        KUBECONFIG: cluster.kubeconfig,
        KUBECTL: fileOf('kubectl', 'kubectl'),
        PROMETHEUS_URL: `http://127.0.0.1:${port}`,
        WATCH_SECONDS: '1',
        LOGS: '0',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    return new Promise((resolve) => {
      child.once('close', (code) => resolve({ code, output }));
    });
  }

  const deployments = (): DeploymentList['items'] => {
    const args = ['get', 'deployments', '-n', namespace, '-o', 'json', '--show-managed-fields'];
    const names = new Set<string>(services.map(({ name }) => name));
    const { items } = JSON.parse(cluster.kubectl(args)) as DeploymentList;
    return items.filter(({ metadata }) => names.has(metadata.name));
  };
  const versions = (): string[] =>
    deployments().map(({ spec }) => spec.template.spec.containers[0]?.image.split(':', 2)[1] ?? '');
  const allAt = (version: string): string[] => services.map(() => version);

  it('stays when it is well', async () => {
    const { code, output } = await run('release', { IMAGE_TAG: '1.0.0' });
    expect(code, output).to.equal(0);
    expect(versions()).to.deep.equal(allAt('1.0.0'));
  });

  it('is rolled back when calls fail, and replicas stay as the autoscaler has them', async () => {
    cluster.kubectl(['scale', 'deployment/order-service', '-n', namespace, '--replicas=2']);
    failed = 500;
    const { code, output } = await run('release', { IMAGE_TAG: '2.0.0' });
    failed = 0;
    expect(code, output).to.equal(1);
    expect(output).to.include('50.00 % of 1000 calls failed').and.to.include('rolled back');
    expect(versions()).to.deep.equal(allAt('1.0.0'));
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
    const { code, output } = await run('release', { IMAGE_TAG: '9.9.9' });
    expect(code, output).to.equal(1);
    expect(output).to.include('cannot be had');
    expect(versions()).to.deep.equal(allAt('1.0.0'));
  });

  it('can be taken back later, to a version that the cluster still has', async () => {
    expect((await run('release', { IMAGE_TAG: '3.0.0' })).code).to.equal(0);
    const { code, output } = await run('rollback', { TO: '1.0.0' });
    expect(code, output).to.equal(0);
    expect(versions()).to.deep.equal(allAt('1.0.0'));
    expect((await run('rollback', { TO: '0.1.0' })).output)
      .to.include("no version '0.1.0'")
      .and.to.include('3.0.0');
  });
});
