import { expect } from 'chai';
import type { Environment } from '../../pkg/config/index.js';
import { startControlPlane, type ControlPlane } from '../lab/control-plane/control-plane.js';
import { namespace } from '../lab/control-plane/installation.js';
import {
  defaultOutcome,
  simulateKubelet,
  type PodOutcome,
  type Kubelet,
} from '../lab/control-plane/kubelet.js';
import { runScript } from '../lab/control-plane/scripts.js';
import { describeWith } from '../lab/requirements.js';
import { services } from './system.js';

const rejected: readonly (readonly [env: Environment, message: string])[] = [
  [{ KUBECONFIG: '/dev/null' }, 'no cluster answers'],
  [{ KUBECTL: '/nonexistent/kubectl' }, 'install kubectl'],
  [{ OVERLAY: 'moon' }, 'it must be one of dev, staging, production'],
  [{ TIMEOUT_SECONDS: 'soon' }, 'TIMEOUT_SECONDS is soon'],
  [{ OVERLAY: 'staging' }, 'set IMAGE_TAG'],
  [{ OVERLAY: 'staging', IMAGE_TAG: '1.2.3' }, 'overlays/staging/database.yaml'],
];

describeWith(['kustomize', 'kubernetes', 'kubectl', 'etcd'], 'make deploy-k8s on a real API server', () => {
  let cluster: ControlPlane;
  let kubelet: Kubelet;

  before(async () => {
    cluster = await startControlPlane();
    kubelet = simulateKubelet(cluster, namespace);
  });

  after(async () => {
    await kubelet?.close();
    await cluster?.stop();
  });

  afterEach(() => {
    kubelet.outcome = defaultOutcome;
  });

  const run = (command: string, env: Environment = {}) =>
    runScript(cluster, ['deploy-k8s', command], { LOGS: '0', ...env });
  const succeeds = async (command: string, env: Environment = {}): Promise<string> => {
    const { code, output } = await run(command, env);
    expect(code, output).to.equal(0);
    return output;
  };
  const read = (kind: string, jsonpath: string): string =>
    cluster.kubectl(['get', ...kind.split(' '), '-n', namespace, '-o', `jsonpath=${jsonpath}`]);
  const failPods = (service: string, outcome: PodOutcome): void => {
    kubelet.outcome = (pod) => {
      const isService = pod.spec.restartPolicy !== 'Never';
      return isService && pod.metadata.labels['app.kubernetes.io/name'] === service
        ? outcome
        : defaultOutcome(pod);
    };
  };

  for (const [env, message] of rejected)
    it(`changes nothing with the invalid settings ${JSON.stringify(env)}`, async () => {
      const { code, output } = await run('deploy', env);
      expect(code).to.equal(1);
      expect(output).to.include(message);
      expect(cluster.kubectl(['get', 'namespaces', '-o', 'name'])).not.to.include(namespace);
    });

  it('starts the database, then the migrations, then the services in an empty cluster', async () => {
    const output = await succeeds('deploy', { LOGS: '1' });
    expect(output).to.match(/^cluster: test\n/);
    for (const { name } of services)
      expect(output).to.include(`deployment "${name}" successfully rolled out`);
    const order = kubelet.started.map((title) => title.split(' ', 1)[0]);
    expect(order.indexOf('database')).to.be.below(order.indexOf('migration'));
    expect(order.lastIndexOf('migration')).to.be.below(order.indexOf('service'));
  });

  it('keeps the database URLs, and the number of replicas that an autoscaler has set, in a second run', async () => {
    const secrets = () => services.map(({ name }) => read(`secret ${name}-database`, '{.data}'));
    const before = secrets();
    expect(new Set(before)).to.have.length(services.length);
    cluster.kubectl(['scale', 'deployment/order-service', '-n', namespace, '--replicas=2']);
    await succeeds('deploy');
    expect(secrets()).to.deep.equal(before);
    expect(read('deployment order-service', '{.spec.replicas}')).to.equal('2');
  });

  it('shows what a version would change', async () => {
    expect(await succeeds('diff')).to.include('nothing would change');
    expect(await succeeds('diff', { IMAGE_TAG: '1.2.3' })).to.match(
      /^\+.*image: order-processing\/order-service:1\.2\.3$/m,
    );
  });

  it('changes no service when a migration fails', async () => {
    kubelet.outcome = (pod) => (pod.spec.restartPolicy === 'Never' ? { exitCode: 1 } : 'ready');
    const before = read('deployments', '{..image}');
    const { code, output } = await run('deploy', { IMAGE_TAG: '1.2.3', TIMEOUT_SECONDS: '10' });
    expect(code).to.equal(1);
    expect(output).to.match(/Job \w+-service-migration[^]*-- pods[^]*Error/);
    expect(read('deployments', '{..image}')).to.equal(before);
  });

  it('rolls out a version after its migrations', async () => {
    await succeeds('deploy', { IMAGE_TAG: '1.2.4', IMAGE_REGISTRY: 'registry.example/shop/' });
    const image = 'registry.example/shop/order-processing/order-service:1.2.4';
    const [migration, service] = ['migration', 'service'].map((one) =>
      kubelet.started.indexOf(`${one} ${image}`),
    );
    expect(migration).to.be.within(0, service ?? -1);
  });

  it('rolls out images by digest, and labels the objects with the tag', async () => {
    const digests = services.map(({ name }, index) => `${name}=sha256:${String(index).repeat(64)}`);
    await succeeds('deploy', { IMAGE_TAG: '1.2.5', IMAGE_DIGESTS: digests.join('\n') });
    const shown = read('deployments,jobs', '{range .items[*]}{..image} {.metadata.labels}{"\\n"}{end}');
    for (const digest of digests) {
      const line = new RegExp(`${digest.replace('=', ':1.2.5@')} .*version":"1.2.5"`, 'g');
      expect(shown.match(line)).to.have.length(2);
    }
    const kinds = 'deployments,services,serviceaccounts,networkpolicies,poddisruptionbudgets';
    const labels = read(`${kinds} -l app.kubernetes.io/version`, '{..app\\.kubernetes\\.io/version}');
    expect([...new Set(labels.split(' '))]).to.deep.equal(['1.2.5']);
  });

  it('fails at the timeout when an image is unavailable, and shows the pods', async () => {
    failPods('order-service', { waiting: 'ImagePullBackOff' });
    const { code, output } = await run('deploy', { IMAGE_TAG: '9.9.9', TIMEOUT_SECONDS: '10' });
    expect(code).to.equal(1);
    expect(output)
      .to.include('Deployment order-service is not rolled out')
      .and.to.match(/order-service-\S+ +0\/1 +ImagePullBackOff/)
      .and.to.include(`kubectl -n ${namespace} describe pods -l app.kubernetes.io/name=order-service`);
  });

  it('replaces broken pods with ready pods', async () => {
    await succeeds('deploy', { IMAGE_TAG: '9.9.10' });
  });

  it('runs the smoke test', async () => {
    await succeeds('smoke-test');
  });

  it('removes the deployed overlay with the command undeploy, which rejects another overlay', async () => {
    const other = await run('undeploy', { OVERLAY: 'production', CONFIRM: namespace });
    expect(other.output).to.include('the cluster has the overlay dev, not production');
    await succeeds('undeploy');
    expect(cluster.kubectl(['get', 'namespaces', '-o', 'name'])).not.to.include(namespace);
  });
});
