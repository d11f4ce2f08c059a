import { expect } from 'chai';
import { startControlPlane, type ControlPlane } from '../lab/control-plane/control-plane.js';
import { addCertManager, namespace } from '../lab/control-plane/installation.js';
import { describeWith } from '../lab/requirements.js';
import { allRendered, objectOf, overlays, podsOf, render, renderText } from './manifests.js';

const needed = ['kustomize', 'kubernetes', 'kubectl', 'etcd', 'schemas'] as const;

describeWith(needed, 'a real API server', () => {
  let cluster: ControlPlane;
  const apply = ['apply', '--server-side', '-f', '-'];
  const create = ['create', '--dry-run=server', '--validate=strict', '-f', '-'];
  const dryRun = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'];

  before(async () => {
    cluster = await startControlPlane();
    addCertManager(cluster);
    for (const name of ['dev', 'logs'] as const) {
      const space = render(name).find(({ kind }) => kind === 'Namespace');
      cluster.kubectl(apply, JSON.stringify(space));
    }
  });

  after(() => cluster?.stop());

  for (const name of allRendered)
    it(`accepts every object of ${name}`, () => {
      const answer = cluster.kubectl([...dryRun, '-o', 'name'], renderText(name));
      expect(answer.trim().split('\n')).to.have.length(render(name).length);
    });

  for (const overlay of overlays)
    it(`accepts every pod of ${overlay} under Pod Security restricted`, () => {
      const items = render(overlay).filter(({ kind }) => kind === 'ServiceAccount');
      cluster.kubectl(apply, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
      for (const { name, labels, spec } of podsOf(render(overlay))) {
        // In the cluster, the volume `data` of a StatefulSet's pod comes from a volume claim.
        const volumes = [...(spec.volumes ?? []), { name: 'data', emptyDir: {} }];
        const metadata = { name, namespace, labels };
        const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...spec, volumes } };
        cluster.kubectl(create, JSON.stringify(pod));
      }
    });

  it('rejects a pod that uses the network of its node', () => {
    const [pod] = podsOf(render('dev'));
    const spec = { ...pod!.spec, hostNetwork: true };
    const text = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'host', namespace },
      spec,
    });
    expect(() => cluster.kubectl(create, text)).to.throw('violates PodSecurity "restricted');
  });

  it('rejects a misspelt field', () => {
    const deployment = JSON.stringify(objectOf(render('dev'), 'Deployment', 'order-service'));
    const broken = deployment.replace('"minReadySeconds"', '"minReadySecond"');
    expect(() => cluster.kubectl(dryRun, broken)).to.throw('minReadySecond');
  });
});
