import { expect } from 'chai';
import type { Environment } from '../../pkg/config/index.js';
import { startControlPlane, type ControlPlane } from '../lab/control-plane/control-plane.js';
import { addCertManager, namespace } from '../lab/control-plane/installation.js';
import { simulateKubelet, type Kubelet } from '../lab/control-plane/kubelet.js';
import { simulatePrometheus, type SimulatedPrometheus } from '../lab/control-plane/prometheus.js';
import { kustomizeAnd, runScript } from '../lab/control-plane/scripts.js';
import { describeWith } from '../lab/requirements.js';
import { renderText } from './manifests.js';
import { services } from './system.js';

const needed = ['kustomize', 'kubernetes', 'kubectl', 'etcd', 'schemas'] as const;

const allowed: readonly (readonly [
  script: 'deploy-k8s' | 'release',
  command: string,
  env: Environment,
  shows: string,
])[] = [
  ['deploy-k8s', 'deploy', { IMAGE_TAG: '1.0.0' }, 'staging is deployed'],
  ['deploy-k8s', 'diff', { IMAGE_TAG: '1.0.0' }, 'nothing would change'],
  ['deploy-k8s', 'smoke-test', { IMAGE_TAG: '1.0.0' }, 'Job test-client is complete'],
  ['release', 'release', { IMAGE_TAG: '2.0.0', SMOKE_TEST: '1' }, 'released'],
  ['release', 'rollback', { TO: '1.0.0' }, 'is back at version 1.0.0'],
];

const forbidden = [
  'get nodes',
  'get namespaces',
  'get secrets -n kube-system',
  'get pods -n kube-system',
  'get deployments -n default',
  `get secrets -n ${namespace}`,
  `delete namespace ${namespace}`,
  `delete deployment order-service -n ${namespace}`,
  'create namespace another',
  `create token order-service -n ${namespace}`,
  'create clusterrolebinding more --clusterrole=cluster-admin --user=somebody',
  `create rolebinding more --clusterrole=admin --user=somebody -n ${namespace}`,
  `label namespace ${namespace} pod-security.kubernetes.io/enforce=privileged --overwrite`,
];

describeWith(needed, 'the account that deploys staging', () => {
  let cluster: ControlPlane;
  let kubelet: Kubelet;
  let prometheus: SimulatedPrometheus;
  let kubeconfig: string;
  let KUSTOMIZE: string;

  before(async () => {
    cluster = await startControlPlane();
    prepare();
    kubelet = simulateKubelet(cluster, namespace);
    prometheus = await simulatePrometheus();
    kubeconfig = kubeconfigOf('order-processing-deployer');
    KUSTOMIZE = kustomizeAnd(cluster, 's#192.0.2.0/24#10.1.0.0/16#');
  });

  after(async () => {
    await kubelet?.close();
    await cluster?.stop();
    await prometheus?.close();
  });

  /** Does the one-time work of an administrator. */
  function prepare(): void {
    addCertManager(cluster);
    cluster.kubectl(['apply', '-f', 'deployments/kubernetes/base/namespace.yaml']);
    cluster.kubectl(['apply', '-f', '-'], renderText('deployer'));
    const names = [...services.map(({ name }) => `${name}-database`), 'grafana'];
    for (const name of names)
      cluster.kubectl(['create', 'secret', 'generic', name, '-n', namespace, '--from-literal=key=value']);
  }

  const kubeconfigOf = (account: string): string =>
    cluster.kubeconfigOf(cluster.kubectl(['create', 'token', account, '-n', namespace]).trim());
  const as = (command: string): string =>
    cluster.kubectl(['--kubeconfig', kubeconfig, ...command.split(' ')]);
  const staging = (): Environment => ({
    OVERLAY: 'staging',
    KUSTOMIZE,
    LOGS: '0',
    PROMETHEUS_URL: prometheus.url,
    WATCH_SECONDS: '1',
  });

  for (const [script, command, env, shows] of allowed)
    it(`may run the command ${command} of scripts/${script}`, async () => {
      const ended = await runScript({ kubeconfig }, [script, command], { ...staging(), ...env });
      expect(ended.code, ended.output).to.equal(0);
      expect(ended.output).to.include(shows);
    });

  it('may run commands in the pod of Prometheus, but not in pods of services', () => {
    const query = `auth can-i create pods/prometheus-0 --subresource=exec -n ${namespace}`;
    expect(as(query).trim()).to.equal('yes');
    const selector = ['-l', 'app.kubernetes.io/name=order-service', '-o', 'name'];
    const [pod] = cluster.kubectl(['get', 'pods', '-n', namespace, ...selector]).split('\n');
    expect(() => as(`exec ${pod} -n ${namespace} -- env`)).to.throw(/forbidden/i);
  });

  for (const command of forbidden)
    it(`may not run \`kubectl ${command}\``, () => {
      expect(() => as(command)).to.throw(/forbidden/i);
    });

  for (const command of ['deploy', 'undeploy', 'smoke-test'])
    it(`still finds staging in the cluster after the command ${command} was rejected because its overlay is not staging`, async () => {
      const { code, output } = await runScript(cluster, ['deploy-k8s', command], { LOGS: '0' });
      expect(code).to.equal(1);
      expect(output).to.include('the cluster has the overlay staging, not dev');
      expect(as(`get deployments -n ${namespace} -o name`)).to.include('order-service');
    });

  it('gets an error about permissions, not about a missing cert-manager, if it has no permissions', async () => {
    const other = { kubeconfig: kubeconfigOf('default') };
    const env = { ...staging(), IMAGE_TAG: '1.0.0' };
    const { code, output } = await runScript(other, ['deploy-k8s', 'deploy'], env);
    expect(code).to.equal(1);
    expect(output)
      .to.match(/certificates\.cert-manager\.io.* is forbidden/)
      .and.not.to.include('has no cert-manager');
  });
});
