import { expect } from 'chai';
import type { Environment } from '../../pkg/config/index.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { addCertManager, namespace } from './installation.js';
import { playKubelet, type Kubelet } from './kubelet.js';
import { renderText } from './manifests.js';
import { playPrometheus, type PlayedPrometheus } from './played-prometheus.js';
import { kustomizeAnd, runScript } from './scripts.js';
import { services } from './system.js';
import { describeWith } from './tools.js';

const needs = ['kustomize', 'kubernetes', 'kubectl', 'etcd', 'schemas'] as const;

describeWith(needs, 'the account that deploys staging', () => {
  let cluster: ControlPlane;
  let kubelet: Kubelet;
  let prometheus: PlayedPrometheus;
  let kubeconfig: string;
  let KUSTOMIZE: string;

  before(async () => {
    cluster = await startControlPlane();
    prepare();
    kubelet = playKubelet(cluster, namespace);
    prometheus = await playPrometheus();
    kubeconfig = cluster.kubeconfigOf(
      cluster.kubectl(['create', 'token', 'order-processing-deployer', '-n', namespace]).trim(),
    );
    KUSTOMIZE = kustomizeAnd(cluster, 's#192.0.2.0/24#10.1.0.0/16#');
  });
  after(async () => {
    await kubelet?.close();
    await cluster?.stop();
    await prometheus?.close();
  });

  /** What an administrator does once. */
  function prepare(): void {
    addCertManager(cluster);
    cluster.kubectl(['apply', '-f', 'deployments/kubernetes/base/namespace.yaml']);
    cluster.kubectl(['apply', '-f', '-'], renderText('deployer'));
    const names = [...services.map(({ name }) => `${name}-database`), 'grafana'];
    for (const name of names)
      cluster.kubectl(['create', 'secret', 'generic', name, '-n', namespace, '--from-literal=key=value']);
  }

  const as = (...args: string[]): string => cluster.kubectl(['--kubeconfig', kubeconfig, ...args]);

  const succeeds = async (
    script: 'deploy-k8s' | 'release',
    command: string,
    env: Environment,
  ): Promise<string> => {
    const always = {
      OVERLAY: 'staging',
      KUSTOMIZE,
      LOGS: '0',
      PROMETHEUS_URL: prometheus.url,
      WATCH_SECONDS: '1',
    };
    const { code, output } = await runScript({ kubeconfig }, [script, command], { ...always, ...env });
    expect(code, output).to.equal(0);
    return output;
  };

  describe('can', () => {
    it('deploy into the namespace that an administrator has made', async () => {
      await succeeds('deploy-k8s', 'deploy', { IMAGE_TAG: '1.0.0' });
    });

    it('see what would change', async () => {
      expect(await succeeds('deploy-k8s', 'diff', { IMAGE_TAG: '1.0.0' })).to.include('nothing would change');
    });

    it('play the smoke test', async () => {
      await succeeds('deploy-k8s', 'smoke-test', { IMAGE_TAG: '1.0.0' });
    });

    it('release another version', async () => {
      await succeeds('release', 'release', { IMAGE_TAG: '2.0.0', SMOKE_TEST: '1' });
    });

    it('roll back', async () => {
      expect(await succeeds('release', 'rollback', { TO: '1.0.0' })).to.include('is back at version 1.0.0');
    });

    it('ask Prometheus in its pod', () => {
      const ask = ['auth', 'can-i', 'create', 'pods/prometheus-0', '--subresource=exec', '-n', namespace];
      expect(as(...ask).trim()).to.equal('yes');
    });
  });

  describe('leaves a staging that', () => {
    const asAdmin = (command: string, env: Environment = {}) =>
      runScript(cluster, ['deploy-k8s', command], { KUSTOMIZE, LOGS: '0', ...env });

    for (const command of ['deploy', 'undeploy', 'smoke-test'])
      it(`${command} with the default overlay does not touch, not even by an administrator`, async () => {
        const { code, output } = await asAdmin(command);
        expect(code, output).to.equal(1);
        expect(output)
          .to.match(/^cluster: test\n/)
          .and.to.include('the cluster has the overlay staging, not dev');
      });

    it('undeploy does not remove unless that is confirmed', async () => {
      expect((await asAdmin('undeploy', { OVERLAY: 'staging' })).output).to.include(`CONFIRM=${namespace}`);
      expect(as('get', 'deployments', '-n', namespace, '-o', 'name')).to.include('order-service');
    });
  });

  it('that may look at nothing hears so, not that cert-manager is missing', async () => {
    const token = cluster.kubectl(['create', 'token', 'default', '-n', namespace]).trim();
    const other = { kubeconfig: cluster.kubeconfigOf(token) };
    const env = { OVERLAY: 'staging', KUSTOMIZE, IMAGE_TAG: '1.0.0', LOGS: '0' };
    const { code, output } = await runScript(other, ['deploy-k8s', 'deploy'], env);
    expect(code).to.equal(1);
    expect(output)
      .to.match(/certificates\.cert-manager\.io.* is forbidden/)
      .and.not.to.include('has no cert-manager');
  });

  describe('cannot', () => {
    const refused: readonly (readonly string[])[] = [
      ['get', 'nodes'],
      ['get', 'namespaces'],
      ['get', 'secrets', '-n', 'kube-system'],
      ['get', 'pods', '-n', 'kube-system'],
      ['get', 'deployments', '-n', 'default'],
      ['get', 'secrets', '-n', namespace],
      ['delete', 'namespace', namespace],
      ['delete', 'deployment', 'order-service', '-n', namespace],
      ['create', 'namespace', 'another'],
      ['create', 'token', 'order-service', '-n', namespace],
      ['create', 'clusterrolebinding', 'more', '--clusterrole=cluster-admin', '--user=somebody'],
      ['create', 'rolebinding', 'more', '--clusterrole=admin', '--user=somebody', '-n', namespace],
      ['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=privileged', '--overwrite'],
      ['label', 'namespace', namespace, 'mine=yes'],
    ];
    for (const args of refused)
      it(args.join(' '), () => {
        expect(() => as(...args)).to.throw(/forbidden/i);
      });

    it('run a command in a pod of a service', () => {
      const [pod] = cluster
        .kubectl(['get', 'pods', '-n', namespace, '-l', 'app.kubernetes.io/name=order-service', '-o', 'name'])
        .split('\n');
      expect(() => as('exec', pod ?? '', '-n', namespace, '--', 'env')).to.throw(/forbidden/i);
    });
  });
});
