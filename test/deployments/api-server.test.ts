import { expect } from 'chai';
import type { Environment } from '../../pkg/config/index.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';
import { addCertManager, namespace } from './installation.js';
import { playKubelet, type Fate, type Kubelet } from './kubelet.js';
import { allRendered, objectOf, overlays, podsOf, render, renderText } from './manifests.js';
import { kustomizeAnd, runScript } from './scripts.js';
import { services } from './system.js';
import { describeWith } from './tools.js';

const needs = ['kustomize', 'kubernetes', 'kubectl', 'etcd', 'schemas'] as const;

describeWith(needs, 'a real API server', () => {
  let cluster: ControlPlane;

  before(async () => {
    cluster = await startControlPlane();
  });

  after(() => cluster.stop());

  const run = (command: string, env: Environment) => runScript(cluster, ['deploy-k8s', command], env);

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
      expect(output).to.match(/^cluster: test\n/);
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
      expect(output, output).to.include('nothing would change');
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

    it('roll out images by their digests, and label them with the tag', async () => {
      const digests = services.map(({ name }, index) => `${name}=sha256:${String(index).repeat(64)}`);
      const env = { IMAGE_TAG: '1.2.5', IMAGE_DIGESTS: digests.join('\n') };
      const { code, output } = await run('deploy', env);
      expect(code, output).to.equal(0);
      const images = ['-o', 'jsonpath={range .items[*]}{..image} {.metadata.labels}{"\\n"}{end}'];
      const shown = cluster.kubectl(['get', 'deployments,jobs', '-n', namespace, ...images]);
      for (const digest of digests)
        expect(
          shown.match(new RegExp(`${digest.replace('=', ':1.2.5@')} .*version":"1.2.5"`, 'g')),
        ).to.have.length(2);
      const versions = [
        '-l',
        'app.kubernetes.io/version',
        '-o',
        'jsonpath={..app\\.kubernetes\\.io/version}',
      ];
      const kinds = 'deployments,services,serviceaccounts,networkpolicies,poddisruptionbudgets';
      const labels = cluster.kubectl(['get', kinds, '-n', namespace, ...versions]).split(' ');
      expect([...new Set(labels)]).to.deep.equal(['1.2.5']);
    });

    /** Of the pods of one service: another fate; the others serve. */
    const afflict = (service: string, fate: Fate): void => {
      kubelet.fate = ({ metadata, spec }) => {
        if (spec.restartPolicy === 'Never') return { ends: 0 };
        return metadata.labels['app.kubernetes.io/name'] === service ? fate : 'serves';
      };
    };

    it('say which image cannot be had', async () => {
      afflict('order-service', { waits: 'ImagePullBackOff' });
      const { code, output } = await run('deploy', { IMAGE_TAG: '9.9.9', LOGS: '0', TIMEOUT_SECONDS: '60' });
      expect(code).to.equal(1);
      expect(output).to.include('order-processing/order-service:9.9.9 cannot be had (ImagePullBackOff)');
    });

    it('say which container crashes, and where to look', async () => {
      afflict('payment-service', { crashes: 137, restarts: 4 });
      const { code, output } = await run('deploy', { IMAGE_TAG: '9.9.8', LOGS: '0', TIMEOUT_SECONDS: '60' });
      expect(code).to.equal(1);
      expect(output).to.match(
        /pod (payment-service-\S+): service ends again .* 4 restarts, last with exit code 137.*\n[^]*logs \1 -c service --previous/,
      );
    });

    it('replace pods that crash with others that serve', async () => {
      kubelet.fate = ({ spec }) => (spec.restartPolicy === 'Never' ? { ends: 0 } : 'serves');
      const { code, output } = await run('deploy', { IMAGE_TAG: '9.9.10', LOGS: '0' });
      expect(code, output).to.equal(0);
    });

    it('end when the deadline of a Deployment has passed, and name the pod that is not ready', async () => {
      afflict('order-service', 'is never ready');
      const soon =
        's/progressDeadlineSeconds: .*/progressDeadlineSeconds: 6/; s/minReadySeconds: .*/minReadySeconds: 1/';
      const KUSTOMIZE = kustomizeAnd(cluster, soon);
      const env = { KUSTOMIZE, IMAGE_TAG: '9.9.11', LOGS: '0', TIMEOUT_SECONDS: '60' };
      const { code, output } = await run('deploy', env);
      expect(code).to.equal(1);
      expect(output).to.match(/nothing got better for 6 s[^]*pod order-service-\S+ is not ready/);
    });

    it('play the smoke test', async () => {
      kubelet.fate = () => ({ ends: 0 });
      const { code, output } = await run('smoke-test', {});
      expect(code, output).to.equal(0);
    });

    it('take everything away again', async () => {
      const other = await run('undeploy', { OVERLAY: 'production', CONFIRM: namespace });
      expect(other.output).to.include('the cluster has the overlay dev, not production');
      const { code, output } = await run('undeploy', {});
      expect(code, output).to.equal(0);
      expect(cluster.kubectl(['get', 'namespaces', '-o', 'name'])).not.to.include(namespace);
      expect((await run('undeploy', { OVERLAY: 'production' })).output).to.include(`CONFIRM=${namespace}`);
    });
  });

  describe('admits', () => {
    before(() => {
      addCertManager(cluster);
      for (const name of ['dev', 'logs'] as const) {
        const space = render(name).find(({ kind }) => kind === 'Namespace');
        cluster.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(space));
      }
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
