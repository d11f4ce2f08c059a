import { expect } from 'chai';
import {
  nameLabel,
  objectOf,
  overlays,
  podsOf,
  render,
  selects,
  settingsOf,
  type Container,
  type DeploymentSpec,
  type Labels,
  type ScalingSpec,
  type Selector,
  type Workload,
} from './manifests.js';
import { configure } from './service-configs.js';
import { services } from './system.js';
import { describeWith } from './tools.js';

const spreadOverNodes = {
  dev: { whenUnsatisfiable: 'ScheduleAnyway' },
  staging: { whenUnsatisfiable: 'ScheduleAnyway' },
  production: { whenUnsatisfiable: 'DoNotSchedule', nodeTaintsPolicy: 'Honor' },
} as const;

/** CoreDNS and NodeLocal DNSCache keep answers for at most as long. */
const oldestDnsAnswerSeconds = 30;

interface ServiceSpec {
  readonly clusterIP?: string;
  readonly selector: Labels;
  readonly ports: readonly {
    readonly name: string;
    readonly port: number;
    readonly targetPort: string;
    readonly appProtocol?: string;
  }[];
}

describeWith(['kustomize'], 'a rollout', () => {
  for (const overlay of overlays) {
    const manifests = render(overlay);

    for (const { name, settings, grpcPort, metricsPort, healthPort, calls } of services) {
      describe(`of ${name} in ${overlay}`, () => {
        const deployment = objectOf(manifests, 'Deployment', name).spec as DeploymentSpec;
        const pod = deployment.template.spec;
        const labels = deployment.template.metadata.labels;
        const [container] = pod.containers as [Container];
        const given = settingsOf(manifests, container);
        const config = () => configure[name]({ ...given, DATABASE_URL: 'postgres://a:b@c:5432/d' });

        it('never takes a pod away before another is ready', () => {
          expect(deployment.strategy.rollingUpdate).to.deep.equal({ maxUnavailable: 0, maxSurge: 1 });
        });

        it('keeps it until no answer of DNS is left that names it alone', () => {
          const preStop = container.lifecycle?.preStop?.sleep?.seconds ?? 0;
          expect((deployment.minReadySeconds ?? 0) + preStop).to.be.at.least(oldestDnsAnswerSeconds);
        });

        it('gives it settings that it knows and accepts', () => {
          expect(settings).to.include.keys(...Object.keys(given));
          expect(config).not.to.throw();
        });

        it('listens where its ports say', () => {
          const ports = Object.fromEntries(
            (container.ports ?? []).map((one) => [one.name, one.containerPort]),
          );
          expect(ports).to.deep.equal({
            grpc: grpcPort,
            'grpc-health': healthPort,
            'http-metrics': metricsPort,
          });
          expect(given).to.include({ GRPC_HOST: '0.0.0.0', METRICS_HOST: '0.0.0.0' });
          expect(given['HEALTH_GRPC_PORT']).to.equal(String(healthPort));
        });

        it('finds the services that it calls by their names', () => {
          for (const other of calls) {
            const port = services.find((one) => one.name === other)?.grpcPort;
            const variable = `${other.replace('-service', '').toUpperCase()}_SERVICE_ADDR`;
            expect(given[variable]).to.equal(`${other}:${port}`);
          }
        });

        it('asks for its health over plain gRPC; whether it lives, whatever its database does', () => {
          const { startupProbe, livenessProbe, readinessProbe } = container;
          expect(startupProbe?.grpc).to.deep.equal({ port: healthPort, service: 'liveness' });
          expect(livenessProbe?.grpc).to.deep.equal({ port: healthPort, service: 'liveness' });
          expect(readinessProbe?.grpc).to.deep.equal({ port: healthPort, service: '' });
        });

        it('leaves it the time that a shutdown takes', () => {
          const { shutdownDelayMs, shutdownTimeoutMs } = config().server;
          const preStop = container.lifecycle?.preStop?.sleep?.seconds ?? 0;
          // Calls first, then as long again for sagas, then the rest.
          const needed = preStop + (shutdownDelayMs + 2 * shutdownTimeoutMs) / 1000 + 10;
          expect(preStop).to.be.above(0);
          expect(pod.terminationGracePeriodSeconds).to.be.at.least(needed);
        });

        it('spreads replicas over zones and nodes', () => {
          const spread = pod.topologySpreadConstraints ?? [];
          expect(spread.map(({ topologyKey }) => topologyKey)).to.deep.equal([
            'topology.kubernetes.io/zone',
            'kubernetes.io/hostname',
          ]);
          for (const { matchLabelKeys } of spread)
            expect(matchLabelKeys).to.deep.equal(['pod-template-hash']);
          const preferred =
            pod.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
          const terms = [...spread, ...preferred.map((one) => one.podAffinityTerm)];
          expect(terms).to.have.length(3);
          for (const { labelSelector } of terms) {
            expect(selects(labelSelector, labels)).to.equal(true);
            expect(labelSelector.matchLabels).to.have.property(nameLabel, name);
          }
        });

        it('may be missing in a zone; in production never on a node that could take it', () => {
          const [zone, node] = pod.topologySpreadConstraints ?? [];
          expect(zone).to.include({ maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' });
          expect(node).to.include({ maxSkew: 1, ...spreadOverNodes[overlay] });
        });

        it('leaves the number of replicas to the HorizontalPodAutoscaler', () => {
          expect(deployment.replicas).to.equal(undefined);
          const { spec } = objectOf(manifests, 'HorizontalPodAutoscaler', name);
          expect(spec).to.have.nested.property('scaleTargetRef.name', name);
          const { minReplicas, maxReplicas } = spec as ScalingSpec;
          expect(minReplicas).to.be.at.least(overlay === 'dev' ? 1 : 2);
          expect(maxReplicas).to.be.above(minReplicas);
        });

        it('scales on CPU before it is used up, and on memory', () => {
          const { metrics } = objectOf(manifests, 'HorizontalPodAutoscaler', name).spec as ScalingSpec;
          expect(metrics.map(({ resource }) => resource.name)).to.deep.equal(['cpu', 'memory']);
          expect(metrics[0]?.resource.target).to.include({ type: 'Utilization' });
          expect(metrics[0]?.resource.target.averageUtilization).to.be.within(50, 80);
        });

        it('grows at once, and shrinks by a pod a minute', () => {
          const { behavior } = objectOf(manifests, 'HorizontalPodAutoscaler', name).spec as ScalingSpec;
          const { scaleUp, scaleDown } = behavior;
          expect(scaleUp).to.include({ stabilizationWindowSeconds: 0, selectPolicy: 'Max' });
          expect(scaleUp.policies.map(({ type }) => type).toSorted()).to.deep.equal(['Percent', 'Pods']);
          for (const { value, periodSeconds } of scaleUp.policies) {
            expect(value).to.be.at.least(2);
            expect(periodSeconds).to.be.at.most(30);
          }
          expect(scaleDown.stabilizationWindowSeconds).to.be.at.least(300);
          expect(scaleDown.policies).to.deep.equal([{ type: 'Pods', value: 1, periodSeconds: 60 }]);
        });

        it('is held back when nodes are drained', () => {
          const { spec } = objectOf(manifests, 'PodDisruptionBudget', name);
          expect(spec).to.have.property('maxUnavailable', 1);
          expect(spec).to.have.property('unhealthyPodEvictionPolicy', 'AlwaysAllow');
          expect(selects((spec as { selector: Selector }).selector, labels)).to.equal(true);
        });

        it('has a headless Service of its serving pods alone, with the names that a mesh reads', () => {
          const { clusterIP, selector, ports } = objectOf(manifests, 'Service', name).spec as ServiceSpec;
          expect(clusterIP).to.equal('None');
          expect(ports).to.deep.equal([
            { name: 'grpc', port: grpcPort, targetPort: 'grpc', appProtocol: 'grpc' },
            { name: 'http-metrics', port: metricsPort, targetPort: 'http-metrics', appProtocol: 'http' },
          ]);
          const chosen = podsOf(manifests).filter((one) => selects({ matchLabels: selector }, one.labels));
          expect(chosen.map(({ title }) => title)).to.deep.equal([`Deployment ${name}`]);
        });

        it('has a migration with the same image, settings and database', () => {
          const { spec } = objectOf(manifests, 'Job', `${name}-migration`) as { spec: Workload };
          const [migration] = spec.template.spec.containers as [Container];
          expect(migration.args).to.deep.equal(['--migrate']);
          expect(migration.image).to.equal(container.image);
          const { serviceAccountName } = spec.template.spec;
          expect(serviceAccountName).to.equal(pod.serviceAccountName);
          expect(migration.envFrom).to.deep.equal(container.envFrom);
          expect(migration.envFrom).to.deep.include({ secretRef: { name: `${name}-database` } });
        });
      });
    }
  }
});
