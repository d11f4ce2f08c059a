import { expect } from 'chai';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { loadEnvironment, type Environment } from '../../pkg/config/index.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { playKubelet, type Kubelet } from './kubelet.js';
import { allRendered, objectOf, overlays, podsOf, render, renderText } from './manifests.js';
import { services } from './system.js';
import { describeWith, fileOf } from './tools.js';

const namespace = 'order-processing';
const needs = ['kustomize', 'kubernetes', 'kubectl', 'etcd', 'schemas'] as const;

describeWith(needs, 'a real API server', () => {
  let cluster: ControlPlane;

  before(async () => {
    cluster = await startControlPlane();
  });

  after(() => cluster.stop());

  /** Runs a command of scripts/deploy-k8s to its end. */
  function run(command: string, env: Environment): Promise<{ code: number | null; output: string }> {
    const child = spawn(process.execPath, ['--import=tsx', 'scripts/deploy-k8s/main.ts', command], {
      env: {
        ...loadEnvironment(),
        KUBECONFIG: cluster.kubeconfig,
        KUBECTL: fileOf('kubectl', 'kubectl'),
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

  describe('and make deploy-k8s', () => {
    let kubelet: Kubelet;

    before(() => {
      kubelet = playKubelet(cluster, namespace);
    });

    after(() => kubelet.close());

    it('say what is missing: a cluster', async () => {
      const { code, output } = await run('deploy', { KUBECONFIG: '/dev/null' });
      expect(code).to.equal(1);
      expect(output).to.include('no cluster answers');
    });

    it('say what is missing: kubectl, an overlay, an image, the place of the database', async () => {
      expect((await run('deploy', { KUBECTL: '/nonexistent/kubectl' })).output).to.include('install kubectl');
      expect((await run('deploy', { OVERLAY: 'moon' })).output).to.include(
        'there are dev, staging, production',
      );
      expect((await run('deploy', { OVERLAY: 'staging' })).output).to.include('set IMAGE_TAG');
      const tagged = { OVERLAY: 'staging', IMAGE_TAG: '1.2.3' };
      expect((await run('deploy', tagged)).output).to.include('overlays/staging/database.yaml');
    });

    it('bring up an empty cluster, the schemas before the services', async () => {
      const { code, output } = await run('deploy', {});
      expect(code, output).to.equal(0);
      for (const { name } of services) expect(output).to.include(`Deployment ${name} is rolled out`);
      const order = kubelet.seen.map((title) => title.split(' ', 1)[0]);
      expect(order.lastIndexOf('migration')).to.be.below(order.indexOf('service'));
      expect(order.indexOf('database')).to.be.below(order.indexOf('migration'));
    });

    it('give each service a database URL of its own, with a password that is kept', async () => {
      const read = (name: string) =>
        cluster.kubectl(['get', 'secret', name, '-n', namespace, '-o', 'jsonpath={.data}']);
      const before = services.map(({ name }) => read(`${name}-database`));
      expect(new Set(before)).to.have.length(4);
      expect((await run('deploy', {})).code).to.equal(0);
      expect(services.map(({ name }) => read(`${name}-database`))).to.deep.equal(before);
    });

    it('find nothing to change in what is deployed', async () => {
      const { code, output } = await run('diff', {});
      expect(code, output).to.equal(0);
      expect(output).to.include('nothing would change');
    });

    it('show what another version would change', async () => {
      const { output } = await run('diff', { IMAGE_TAG: '1.2.3' });
      expect(output).to.match(/^\+.*image: order-processing\/order-service:1\.2\.3$/m);
    });

    it('stop at a migration that fails, and leave the services as they are', async () => {
      kubelet.fate = ({ spec }) => (spec.restartPolicy === 'Never' ? { ends: 1 } : 'serves');
      const images = (): string =>
        cluster.kubectl(['get', 'deployments', '-n', namespace, '-o', 'jsonpath={..image}']);
      const before = images();
      const { code, output } = await run('deploy', { IMAGE_TAG: '1.2.3', TIMEOUT_SECONDS: '10' });
      expect(code).to.equal(1);
      expect(output).to.match(/Job \w+-service-migration/);
      expect(images()).to.equal(before);
    });

    it('roll out another version when its migrations are done', async () => {
      kubelet.fate = ({ spec }) => (spec.restartPolicy === 'Never' ? { ends: 0 } : 'serves');
      const { code, output } = await run('deploy', {
        IMAGE_TAG: '1.2.4',
        IMAGE_REGISTRY: 'registry.example/shop/',
      });
      expect(code, output).to.equal(0);
      const image = 'registry.example/shop/order-processing/order-service:1.2.4';
      expect(kubelet.seen.indexOf(`migration ${image}`)).to.be.within(
        0,
        kubelet.seen.indexOf(`service ${image}`),
      );
    });

    it('say which image cannot be had', async () => {
      kubelet.fate = ({ spec }) =>
        spec.restartPolicy === 'Never' ? { ends: 0 } : { waits: 'ImagePullBackOff' };
      const { code, output } = await run('deploy', { IMAGE_TAG: '9.9.9', LOGS: '0' });
      expect(code).to.equal(1);
      expect(output).to.match(
        /the image order-processing\/[a-z-]+:9\.9\.9 cannot be had \(ImagePullBackOff\)/,
      );
    });

    it('play the smoke test', async () => {
      kubelet.fate = () => ({ ends: 0 });
      const { code, output } = await run('smoke-test', {});
      expect(code, output).to.equal(0);
    });

    it('take everything away again', async () => {
      const { code, output } = await run('undeploy', {});
      expect(code, output).to.equal(0);
      expect(cluster.kubectl(['get', 'namespaces', '-o', 'name'])).not.to.include(namespace);
      expect((await run('undeploy', { OVERLAY: 'production' })).output).to.include(`CONFIRM=${namespace}`);
    });
  });

  describe('admits', () => {
    before(() => {
      const folder = fileOf('schemas', 'crds');
      for (const name of readdirSync(folder)) cluster.kubectl(['create', '-f', path.join(folder, name)]);
      for (const name of ['dev', 'logs'] as const) {
        const space = render(name).find(({ kind }) => kind === 'Namespace');
        cluster.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(space));
      }
      cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
    });

    const dryRun = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'];

    for (const name of allRendered) {
      it(`every object of ${name}`, () => {
        const answer = cluster.kubectl([...dryRun, '-o', 'name'], renderText(name));
        expect(answer.trim().split('\n')).to.have.length(render(name).length);
      });
    }

    for (const overlay of overlays) {
      it(`every pod of ${overlay} under Pod Security restricted`, () => {
        const accounts = render(overlay).filter(({ kind }) => kind === 'ServiceAccount');
        cluster.kubectl(
          ['apply', '--server-side', '-f', '-'],
          JSON.stringify({ apiVersion: 'v1', kind: 'List', items: accounts }),
        );
        for (const { name, labels, spec } of podsOf(render(overlay))) {
          // What a StatefulSet would claim.
          const volumes = [...(spec.volumes ?? []), { name: 'data', emptyDir: {} }];
          const pod = {
            apiVersion: 'v1',
            kind: 'Pod',
            metadata: { name, namespace, labels },
            spec: { ...spec, volumes },
          };
          cluster.kubectl(
            ['create', '--dry-run=server', '--validate=strict', '-f', '-'],
            JSON.stringify(pod),
          );
        }
      });
    }

    it('no pod that asks for more', () => {
      const [pod] = podsOf(render('dev'));
      const spec = { ...pod!.spec, hostNetwork: true };
      const text = JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'greedy', namespace },
        spec,
      });
      expect(() => cluster.kubectl(['create', '--dry-run=server', '-f', '-'], text)).to.throw(
        'violates PodSecurity "restricted',
      );
    });

    it('no object with a field that is misspelt', () => {
      const deployment = JSON.stringify(objectOf(render('dev'), 'Deployment', 'order-service'));
      const broken = deployment.replace('"minReadySeconds"', '"minReadySecond"');
      expect(() => cluster.kubectl(dryRun, broken)).to.throw('minReadySecond');
    });
  });
});
