import { expect } from 'chai';
import { allRendered, containersOf, objectOf, podsOf, render, type Manifest } from './manifests.js';
import { describeWith } from './tools.js';

const ofTheCluster = /^(Namespace|ClusterRole.*)$/;

/** The agent on each node reads the log files of the node: the one thing that cannot run restricted. */
const readsTheNode = 'DaemonSet log-agent';

describeWith(['kustomize'], 'every pod', () => {
  for (const name of allRendered) {
    describe(`of ${name}`, () => {
      const manifests = render(name);

      for (const pod of podsOf(manifests)) {
        describe(pod.title, () => {
          const { spec } = pod;

          it('is run by a user who is not root', () => {
            if (pod.title === readsTheNode) return;
            expect(spec.securityContext?.runAsNonRoot).to.equal(true);
            expect(spec.securityContext?.runAsUser).to.be.above(0);
          });

          it('has the seccomp profile of its runtime, and no part of the node', () => {
            expect(spec.securityContext?.seccompProfile?.type).to.equal('RuntimeDefault');
            expect(spec.hostNetwork ?? false).to.equal(false);
            if (pod.title === readsTheNode) return;
            expect((spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined)).to.deep.equal([]);
          });

          it('gets no token and no addresses of other Services', () => {
            expect(spec.automountServiceAccountToken).to.equal(false);
            expect(spec.enableServiceLinks).to.equal(false);
          });

          it('may be told from others by its labels', () => {
            expect(pod.labels).to.include.keys('app.kubernetes.io/name', 'app.kubernetes.io/component');
          });

          for (const container of containersOf(pod)) {
            it(`holds ${container.name} without privileges, on a file system that it cannot write`, () => {
              const { securityContext } = container;
              expect(securityContext?.allowPrivilegeEscalation).to.equal(false);
              expect(securityContext?.readOnlyRootFilesystem).to.equal(true);
              expect(securityContext?.privileged ?? false).to.equal(false);
              expect(securityContext?.capabilities?.drop).to.deep.equal(['ALL']);
              expect(securityContext?.capabilities?.add ?? []).to.deep.equal([]);
            });

            it(`limits ${container.name}, and asks for what it needs`, () => {
              for (const amounts of [container.resources?.requests, container.resources?.limits])
                expect(amounts).to.include.keys('cpu', 'memory');
            });

            it(`names one version of the image of ${container.name}`, () => {
              expect(container.image).to.match(/^[a-z0-9./-]+(:[\w.-]+)(@sha256:[0-9a-f]{64})?$/);
              expect(container.image).not.to.match(/:latest$/);
            });
          }
        });
      }
    });
  }
});

describeWith(['kustomize'], 'the log agent', () => {
  const [agent] = podsOf(render('logs'));

  it('has of the node the logs of its pods, to read, and a folder of its own', () => {
    const ofTheNode = (agent?.spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined);
    const [container] = agent?.spec.containers ?? [];
    const places = ofTheNode.map(({ name, hostPath }) => {
      const mount = container?.volumeMounts?.find((one) => one.name === name);
      return { path: hostPath?.path, readOnly: mount?.readOnly ?? false };
    });
    expect(places).to.deep.equal([
      { path: '/var/log/pods', readOnly: true },
      { path: '/var/lib/order-processing-log-agent', readOnly: false },
    ]);
  });
});

describeWith(['kustomize'], 'every overlay', () => {
  const kindsOf = (manifests: readonly Manifest[], kind: string) =>
    manifests.filter((one) => one.kind === kind);

  for (const name of allRendered) {
    const manifests = render(name);

    it(`holds no secret: ${name}`, () => {
      expect(kindsOf(manifests, 'Secret')).to.deep.equal([]);
    });

    it(`puts everything into one namespace: ${name}`, () => {
      const namespaces = manifests.filter(({ kind }) => !ofTheCluster.test(kind));
      const expected = name === 'logs' ? 'order-processing-logs' : 'order-processing';
      expect([...new Set(namespaces.map(({ metadata }) => metadata.namespace))]).to.deep.equal([expected]);
    });

    it(`has ServiceAccounts without a token: ${name}`, () => {
      for (const account of kindsOf(manifests, 'ServiceAccount'))
        expect(account).to.have.property('automountServiceAccountToken', false);
    });

    it(`names ConfigMaps by their content, so that a change starts new pods: ${name}`, () => {
      const names = kindsOf(manifests, 'ConfigMap').map(({ metadata }) => metadata.name);
      // The adapter outside our namespace knows it by its name.
      const own = names.filter((one) => one !== 'prometheus-adapter-rules');
      for (const one of own) expect(one).to.match(/-[a-z0-9]{10}$/);
      const pods = podsOf(manifests);
      const sources = pods.flatMap(containersOf).flatMap(({ envFrom = [] }) => envFrom);
      const settings = sources.flatMap(({ configMapRef }) => configMapRef?.name ?? []);
      const volumes = pods.flatMap(({ spec }) => spec.volumes ?? []);
      const files = volumes.flatMap(({ configMap }) => configMap?.name ?? []);
      expect([...new Set([...settings, ...files])].toSorted()).to.deep.equal(own.toSorted());
    });
  }

  for (const name of ['dev', 'staging', 'production', 'smoke-test', 'database CA'] as const) {
    it(`can have images of ours from a private registry: ${name}`, () => {
      const manifests = render(name);
      const pods = podsOf(manifests).filter((pod) =>
        containersOf(pod).some(({ image }) => image.startsWith('order-processing/')),
      );
      expect(pods).not.to.have.length(0);
      for (const { title, spec } of pods) {
        const { imagePullSecrets } = objectOf(manifests, 'ServiceAccount', spec.serviceAccountName ?? '');
        expect(imagePullSecrets, title).to.deep.equal([{ name: 'order-processing-registry' }]);
      }
    });
  }

  for (const name of ['dev', 'staging', 'production'] as const) {
    it(`enforces Pod Security restricted: ${name}`, () => {
      const [namespace] = kindsOf(render(name), 'Namespace');
      for (const mode of ['enforce', 'audit', 'warn'])
        expect(namespace?.metadata.labels).to.have.property(
          `pod-security.kubernetes.io/${mode}`,
          'restricted',
        );
    });
  }
});
