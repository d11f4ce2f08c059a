import { expect } from 'chai';
import { catalogService } from '../../cmd/catalog-service/app.js';
import { allowedClients } from '../../cmd/dev/services/certificates.js';
import { inventoryService } from '../../cmd/inventory-service/app.js';
import { orderService } from '../../cmd/order-service/app.js';
import { paymentService } from '../../cmd/payment-service/app.js';
import { parseAllowedClients } from '../../pkg/rpc/tls/config.js';
import type { ServiceConfig } from '../../pkg/service/index.js';
import { describeWith, fileOf, runTool } from '../lab/requirements.js';
import { composeFile } from './compose-file.js';
import {
  objectOf,
  overlays,
  render,
  renderText,
  selects,
  settingsOf,
  type Container,
  type DeploymentSpec,
  type Manifest,
  type Selector,
  type Workload,
} from './manifests.js';
import { services, type ServiceName } from './system.js';

type Settings = Readonly<Record<string, string>>;

const configure: Record<ServiceName, (env: Record<string, string>) => ServiceConfig> = {
  'order-service': orderService.configure,
  'inventory-service': inventoryService.configure,
  'payment-service': paymentService.configure,
  'catalog-service': catalogService.configure,
};

/** Reads settings as the service does. */
const configOf = (name: ServiceName, given: Settings): ServiceConfig =>
  configure[name]({ DATABASE_URL: 'postgres://a:b@c:5432/d', ...given });

/** Lower limit of minReadySeconds + preStop, because DNS caches of a cluster keep a response for up to 30 s. */
const dnsCacheSeconds = 30;
/** Sum of SHUTDOWN_DELAY, SHUTDOWN_TIMEOUT for calls and again for sagas, and 10 s for the rest of the shutdown. */
const shutdownSeconds = ({ server }: ServiceConfig): number =>
  (server.shutdownDelayMs + 2 * server.shutdownTimeoutMs) / 1000 + 10;
/**
 * Database connections of a replica outside its pool: one for gauges and one for health checks; in the order service,
 * three more for heartbeats and recovery.
 */
const besidePool = (name: ServiceName): number => (name === 'order-service' ? 5 : 2);
/** Pods of a service that terminate at the same time during a rollout. */
const terminating = 2;
/** Maximum of REPLICAS, which the number of servers in haproxy.cfg limits. */
const maxComposeReplicas = 8;
/** Connections that PostgreSQL reserves for its administrator. */
const reserved = 3;

const maxConnections = (args: readonly string[]): number =>
  Number(args.find((one) => one.startsWith('max_connections='))?.split('=')[1]);

/** Returns each allowed client with its sorted methods. */
const clientsIn = (text: string): [client: string, methods: string[]][] =>
  [...parseAllowedClients(text)].map(([client, methods]) => [client, [...methods].toSorted()]);

describeWith(['compose'], 'the compose file', () => {
  const file = composeFile({ profiles: 'observability' });
  const withTls = composeFile({ tls: true, profiles: 'observability' });

  it('requires passwords', () => {
    const args = ['--file', 'deployments/docker/compose.yaml', '--env-file', '/dev/null', 'config'];
    expect(() => runTool(fileOf('compose', 'docker-compose'), args)).to.throw('make deploy-docker');
  });

  for (const { name, settings, calls } of services)
    it(`starts ${name} after its migration and the services that it calls, with valid settings and enough time to shut down`, () => {
      const { environment = {}, depends_on: after, stop_grace_period: period = '' } = file.services[name]!;
      expect(settings).to.include.keys(...Object.keys(environment));
      expect(after).to.have.all.keys(`${name}-migration`, ...calls);
      expect(Number.parseInt(period, 10)).to.be.at.least(shutdownSeconds(configOf(name, environment)));
    });

  for (const { name } of services)
    it(`lists the same allowed clients for ${name} as the program dev, if mutual TLS is on`, () => {
      const given = withTls.services[name]?.environment?.['TLS_ALLOWED_CLIENTS'] ?? '';
      expect(clientsIn(given)).to.have.deep.members(clientsIn(allowedClients));
    });

  it('publishes the ports of every service and of the observability stack, only on 127.0.0.1', () => {
    const ports = Object.values(file.services).flatMap((service) => service.ports ?? []);
    const promised = services.flatMap(({ grpcPort, metricsPort }) => [grpcPort, metricsPort]);
    const stack = [3000, 4317, 4318, 9090, 16_686];
    expect(ports.map(({ published }) => Number(published))).to.have.members([...promised, ...stack]);
    for (const { host_ip: address } of ports) expect(address).to.equal('127.0.0.1');
  });

  it('has an internal database network that only services, migrations and PostgreSQL join', () => {
    const connected = Object.entries(file.services).filter(
      ([, { networks }]) => 'database' in (networks ?? {}),
    );
    const expected = [...services.flatMap(({ name }) => [name, `${name}-migration`]), 'postgres'];
    expect(connected.map(([name]) => name)).to.have.members(expected);
    expect(file.networks['database']?.internal).to.equal(true);
  });

  it('allows enough database connections for the maximum of replicas and for migrations', () => {
    const needed = services.reduce((sum, { name }) => {
      const { environment = {} } = file.services[name]!;
      return sum + maxComposeReplicas * (Number(environment['DATABASE_POOL_MAX']) + besidePool(name));
    }, 0);
    const available = maxConnections(file.services['postgres']?.command ?? []);
    expect(needed + services.length + reserved).to.be.at.most(available);
  });

  for (const [form, { services: containers }] of Object.entries({ plaintext: file, 'mutual TLS': withTls }))
    it(`hardens and limits every container, and rotates its logs, with ${form}`, () => {
      for (const [name, container] of Object.entries(containers)) {
        expect(container.read_only, name).to.equal(true);
        expect(container.cap_drop, name).to.deep.equal(['ALL']);
        expect(container.security_opt, name).to.deep.equal(['no-new-privileges:true']);
        expect(container.deploy.resources.limits, name).to.include.keys('cpus', 'memory');
        expect(container.logging?.options, name).to.include.keys('max-size', 'max-file');
      }
    });
});

describeWith(['kustomize'], 'the overlay', () => {
  for (const overlay of overlays) {
    const manifests = render(overlay);

    for (const { name, settings, grpcPort, metricsPort, healthPort, calls } of services)
      describe(`${overlay} runs ${name}`, () => {
        const deployment = objectOf(manifests, 'Deployment', name).spec as DeploymentSpec;
        const { spec: pod, metadata } = deployment.template;
        const [container] = pod.containers as [Container];
        const given = settingsOf(manifests, container);
        const preStop = container.lifecycle?.preStop?.sleep?.seconds ?? 0;

        it('with valid settings, and the addresses of the services that it calls', () => {
          expect(settings).to.include.keys(...Object.keys(given));
          expect(() => configOf(name, given)).not.to.throw();
          for (const other of calls) {
            const port = services.find((one) => one.name === other)?.grpcPort;
            const variable = `${other.replace('-service', '').toUpperCase()}_SERVICE_ADDR`;
            expect(given[variable]).to.equal(`${other}:${port}`);
          }
        });

        it('with its ports', () => {
          const ports = (container.ports ?? []).map((one) => [one.name, one.containerPort]);
          expect(Object.fromEntries(ports)).to.deep.equal({
            grpc: grpcPort,
            'grpc-health': healthPort,
            'http-metrics': metricsPort,
          });
          expect(given['HEALTH_GRPC_PORT']).to.equal(String(healthPort));
        });

        it('with minReadySeconds + preStop of at least 30 s, and with enough time to shut down', () => {
          expect((deployment.minReadySeconds ?? 0) + preStop).to.be.at.least(dnsCacheSeconds);
          const needed = preStop + shutdownSeconds(configOf(name, given));
          expect(pod.terminationGracePeriodSeconds).to.be.at.least(needed);
        });

        it('with an autoscaler that owns the replicas, and a disruption budget for its pods', () => {
          expect(deployment.replicas).to.equal(undefined);
          const { spec: scaler } = objectOf(manifests, 'HorizontalPodAutoscaler', name);
          expect(scaler).to.have.nested.property('scaleTargetRef.name', name);
          const { spec: budget } = objectOf(manifests, 'PodDisruptionBudget', name);
          expect(selects((budget as { selector: Selector }).selector, metadata.labels)).to.equal(true);
        });

        it('after a migration with the same image and settings', () => {
          const { spec } = objectOf(manifests, 'Job', `${name}-migration`) as { spec: Workload };
          const [migration] = spec.template.spec.containers as [Container];
          expect(migration).to.deep.include({ args: ['--migrate'], image: container.image });
          expect(migration.envFrom).to.deep.equal(container.envFrom);
          expect(migration.envFrom).to.deep.include({ secretRef: { name: `${name}-database` } });
        });

        if (overlay === 'dev') return;

        it('with its certificate and its allowed clients', () => {
          expect(configOf(name, given).tls).to.have.property('cert', '/etc/tls/tls.crt');
          const mounts = container.volumeMounts ?? [];
          expect(mounts.map(({ mountPath }) => mountPath)).to.include('/etc/tls');
          expect(clientsIn(given['TLS_ALLOWED_CLIENTS'] ?? '')).to.have.deep.members(
            expectedClients(overlay, name),
          );
        });
      });
  }

  it('production admits no test-client', () => {
    // Comments in configuration files, such as the alert rules, may name test-client.
    expect(renderText('production').replaceAll(/^\s*#.*$/gm, '')).not.to.include('test-client');
  });

  for (const overlay of overlays)
    it(`${overlay} allows enough database connections for the replicas of a rollout and for migrations`, () => {
      const manifests = render(overlay);
      const needed = services.reduce((sum, { name }) => sum + connectionsOf(manifests, name), 0);
      expect(needed + services.length + reserved).to.be.at.most(availableConnections(manifests));
    });
});

/** `max_connections` of PostgreSQL in the cluster, or of the external server that an overlay requires. */
function availableConnections(manifests: readonly Manifest[]): number {
  if (manifests.some(({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === 'postgres')) {
    const { template } = objectOf(manifests, 'StatefulSet', 'postgres').spec as Workload;
    return maxConnections(template.spec.containers.flatMap(({ args }) => args ?? []));
  }
  const { metadata } = objectOf(manifests, 'NetworkPolicy', 'database-clients');
  return Number(metadata.annotations?.['order-processing/max-connections']);
}

/** Maximum number of connections of a service during a rollout. */
function connectionsOf(manifests: readonly Manifest[], name: ServiceName): number {
  const scaler = objectOf(manifests, 'HorizontalPodAutoscaler', name).spec as {
    readonly maxReplicas: number;
  };
  const { template, strategy } = objectOf(manifests, 'Deployment', name).spec as DeploymentSpec;
  const { database } = configOf(name, settingsOf(manifests, template.spec.containers[0] as Container));
  const replicas = scaler.maxReplicas + strategy.rollingUpdate.maxSurge + terminating;
  return replicas * (database.poolMax + besidePool(name));
}

/**
 * Returns the allowed clients of a service. In production, a gateway that may call the methods for customers replaces
 * test-client.
 */
function expectedClients(overlay: 'staging' | 'production', name: ServiceName): [string, string[]][] {
  const customer = ['CreateOrder', 'GetOrder', 'BatchGetOrders', 'ListOrders', 'CancelOrder', 'WatchOrder'];
  const gateway = `gateway=${customer.map((method) => `order.v1.OrderService/${method}`).join(',')}`;
  const absent = overlay === 'production' ? 'test-client' : 'gateway';
  const own = `${name.replace('-service', '')}.v1.`;
  return clientsIn(`${allowedClients};${gateway}`)
    .filter(([client]) => client !== absent)
    .map(([client, methods]): [string, string[]] => [
      client,
      methods.filter((method) => method === '*' || method.startsWith(own)),
    ])
    .filter(([, methods]) => methods.length > 0);
}
