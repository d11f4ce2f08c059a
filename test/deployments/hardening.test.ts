import { expect } from 'chai';
import { describeWith } from '../lab/requirements.js';
import { allRendered, containersOf, objectOf, podsOf, render } from './manifests.js';

const clusterKinds = /^(Namespace|ClusterRole.*)$/;

/** Namespaces of the configurations that do not use `order-processing`. */
const namespaces: Readonly<Record<string, string>> = { logs: 'order-processing-logs' };

/** Requirements that neither Pod Security (admission.test.ts) nor trivy (lint.test.ts) checks. */
describeWith(['kustomize'], 'the manifests', () => {
  for (const name of allRendered) {
    const manifests = render(name);
    const pods = podsOf(manifests);

    it(`of ${name} give pods resource limits, but no API token and no variables with addresses of Services`, () => {
      for (const pod of pods) {
        expect(pod.spec.automountServiceAccountToken, pod.title).to.equal(false);
        expect(pod.spec.enableServiceLinks, pod.title).to.equal(false);
        for (const { resources } of containersOf(pod))
          for (const amounts of [resources?.requests, resources?.limits])
            expect(amounts, pod.title).to.include.keys('cpu', 'memory');
      }
    });

    it(`of ${name} have no Secret, and use one namespace`, () => {
      expect(manifests.filter(({ kind }) => kind === 'Secret')).to.deep.equal([]);
      const namespaced = manifests.filter(({ kind }) => !clusterKinds.test(kind));
      const expected = namespaces[name] ?? 'order-processing';
      expect([...new Set(namespaced.map(({ metadata }) => metadata.namespace))]).to.deep.equal([expected]);
    });

    it(`of ${name} name ConfigMaps by their content, so that a change starts new pods`, () => {
      const names = manifests.flatMap(({ kind, metadata }) => (kind === 'ConfigMap' ? metadata.name : []));
      // The metrics adapter in another namespace reads this ConfigMap by its fixed name.
      const own = names.filter((one) => one !== 'prometheus-adapter-rules');
      for (const one of own) expect(one).to.match(/-[a-z0-9]{10}$/);
      const sources = pods.flatMap(containersOf).flatMap(({ envFrom = [] }) => envFrom);
      const volumes = pods.flatMap(({ spec }) => spec.volumes ?? []);
      const used = [
        ...sources.flatMap(({ configMapRef }) => configMapRef?.name ?? []),
        ...volumes.flatMap(({ configMap }) => configMap?.name ?? []),
      ];
      expect([...new Set(used)].toSorted()).to.deep.equal(own.toSorted());
    });

    it(`of ${name} can use a private registry for the images of this project`, () => {
      for (const { title, spec } of pods.filter((pod) =>
        containersOf(pod).some(({ image }) => image.startsWith('order-processing/')),
      )) {
        const { imagePullSecrets } = objectOf(manifests, 'ServiceAccount', spec.serviceAccountName ?? '');
        expect(imagePullSecrets, title).to.deep.equal([{ name: 'order-processing-registry' }]);
      }
    });
  }

  it('mount folders of the node only in the log agent: the logs (read-only) and a folder for its positions in the logs', () => {
    const mounts = allRendered.flatMap((name) =>
      podsOf(render(name)).flatMap(({ title, spec }) =>
        (spec.volumes ?? []).flatMap(({ name: volume, hostPath }) => {
          if (!hostPath) return [];
          const [container] = spec.containers;
          const mount = container?.volumeMounts?.find((one) => one.name === volume);
          return [[title, hostPath.path, mount?.readOnly ?? false]];
        }),
      ),
    );
    expect(mounts).to.deep.equal([
      ['DaemonSet log-agent', '/var/log/pods', true],
      ['DaemonSet log-agent', '/var/lib/order-processing-log-agent', false],
    ]);
  });
});
