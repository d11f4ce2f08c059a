import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { loadCatalogConfig } from '../../pkg/catalog/config.js';
import { loadInventoryConfig } from '../../pkg/inventory/index.js';
import { loadOrderConfig } from '../../pkg/order/config.js';
import { loadPaymentConfig } from '../../pkg/payment/config.js';
import type { ServiceConfig } from '../../pkg/rpc/service-config.js';
import { composeFile, secret } from './compose-file.js';
import { services, type ServiceName } from './system.js';
import { describeWith, fileOf, runTool } from './tools.js';

const configure: Record<ServiceName, (env: Record<string, string>) => ServiceConfig> = {
  'order-service': loadOrderConfig,
  'inventory-service': loadInventoryConfig,
  'payment-service': loadPaymentConfig,
  'catalog-service': loadCatalogConfig,
};

const stack = ['grafana', 'jaeger', 'loki', 'otel-collector', 'prometheus'];

describeWith(['compose'], 'the compose file', () => {
  const file = composeFile({ profiles: 'observability' });
  const alone = composeFile({});

  it('has the observability stack as a choice', () => {
    expect(file.services).to.include.keys(...stack);
    for (const name of stack) expect(alone.services).not.to.have.property(name);
    expect(alone.services).to.include.keys(...services.map(({ name }) => name), 'postgres', 'proxy');
  });

  it('refuses to start without passwords', () => {
    const args = ['--file', 'deployments/docker/compose.yaml', '--env-file', '/dev/null', 'config'];
    expect(() => runTool(fileOf('compose', 'docker-compose'), args)).to.throw('make deploy-docker');
  });

  for (const { name, settings, calls } of services) {
    describe(`of ${name}`, () => {
      const service = file.services[name]!;
      const environment = service.environment ?? {};

      it('runs two replicas, after its database and whom it calls', () => {
        expect(service.deploy.replicas).to.equal(2);
        const wanted: Record<string, { condition: string; required: boolean }> = {
          [`${name}-migration`]: { condition: 'service_completed_successfully', required: true },
        };
        for (const other of calls) wanted[other] = { condition: 'service_healthy', required: true };
        expect(service.depends_on).to.deep.equal(wanted);
      });

      it('gets settings that it knows and accepts', () => {
        expect(settings).to.include.keys(...Object.keys(environment));
        expect(() => configure[name]({ ...environment })).not.to.throw();
      });

      it('has a database and a role of its own', () => {
        const own = name.replace('-', '_');
        expect(environment['DATABASE_URL']).to.equal(`postgres://${own}:${secret}@postgres:5432/${own}`);
        const sql = readFileSync('deployments/docker/postgres/databases.sql', 'utf8');
        expect(sql).to.include(`create role ${own} login`);
        expect(sql).to.include(`create database ${own} owner ${own};`);
        expect(sql).to.include(`revoke all on database ${own} from public;`);
      });

      it('migrates in one step, with the same image', () => {
        const migration = file.services[`${name}-migration`];
        expect(migration?.image).to.equal(service.image);
        expect(migration?.command).to.deep.equal(['--migrate']);
        expect(migration?.depends_on).to.have.nested.property('postgres.condition', 'service_healthy');
      });

      it('has the time that a shutdown takes', () => {
        const { shutdownDelayMs, shutdownTimeoutMs } = configure[name]({ ...environment }).server;
        const seconds = Number(/^(\d+)s$/.exec(service.stop_grace_period ?? '')?.[1]);
        // Calls first, then as long again for sagas, then the rest.
        expect(seconds).to.be.at.least((shutdownDelayMs + 2 * shutdownTimeoutMs) / 1000 + 10);
      });
    });
  }

  it('gives the proxy the promised ports, on this machine only', () => {
    const ports = file.services['proxy']?.ports ?? [];
    const promised = services.flatMap(({ grpcPort, metricsPort }) => [grpcPort, metricsPort]);
    expect(ports.map(({ published }) => Number(published))).to.have.members(promised);
    for (const { host_ip: address, published, target } of ports) {
      expect(address).to.equal('127.0.0.1');
      expect(Number(published)).to.equal(target);
    }
  });

  for (const { name, grpcPort, metricsPort } of services)
    it(`lets the proxy pass connections on to ${name}, and ask for its health where nothing is encrypted`, () => {
      const haproxy = readFileSync('deployments/docker/proxy/haproxy.cfg', 'utf8');
      expect(haproxy).to.include(`listen ${name}
    mode tcp
    bind :${grpcPort}
    option httpchk GET /readyz
    server-template replica 8 ${name}:${grpcPort} port ${metricsPort}
`);
      expect(haproxy).to.include(`listen ${name}-metrics
    mode tcp
    bind :${metricsPort}
    server-template replica 8 ${name}:${metricsPort}
`);
    });

  it('publishes the promised ports of the observability stack, on this machine only', () => {
    const published = stack.flatMap((name) => file.services[name]?.ports ?? []);
    expect(published.map((port) => Number(port.published)).toSorted((a, b) => a - b)).to.deep.equal([
      3000, 4317, 4318, 9090, 16_686,
    ]);
    for (const { host_ip: address } of published) expect(address).to.equal('127.0.0.1');
  });

  it('lets nobody but services and migrations near PostgreSQL', () => {
    const near = Object.entries(file.services).filter(([, { networks }]) => 'database' in (networks ?? {}));
    const wanted = [...services.flatMap(({ name }) => [name, `${name}-migration`]), 'postgres'];
    expect(near.map(([name]) => name).toSorted()).to.deep.equal(wanted.toSorted());
    expect(file.networks['database']?.internal).to.equal(true);
    expect(file.services['postgres']?.ports ?? []).to.deep.equal([]);
  });

  it('has connections for all replicas, migrations and somebody who looks', () => {
    const setting = file.services['postgres']?.command?.find((one) => one.startsWith('max_connections='));
    const most = Number(setting?.split('=')[1]);
    const needed = services.map(({ name }) => {
      const { environment = {}, deploy } = file.services[name]!;
      const more = name === 'order-service' ? 3 : 1;
      return (deploy.replicas ?? 1) * (Number(environment['DATABASE_POOL_MAX']) + more);
    });
    expect(needed.reduce((sum, one) => sum + one)).to.be.at.most(190);
    // What make deploy-docker counts with, four migrations, and three that PostgreSQL keeps for its administrator.
    expect(most).to.be.at.least(190 + services.length + 3);
    const script = readFileSync('scripts/deploy-docker/settings.mjs', 'utf8');
    expect(script).to.include('const connections = 190;');
  });

  it('keeps what is stored in volumes', () => {
    expect(file.volumes).to.have.keys(
      'postgres-data',
      'otel-collector-data',
      'jaeger-data',
      'prometheus-data',
      'loki-data',
      'grafana-data',
    );
  });
});

/** Nothing in its image could ask; Prometheus watches it. */
const unasked = new Set(['otel-collector']);

for (const tls of [false, true])
  describeWith(['compose'], `every container, ${tls ? 'with' : 'without'} mutual TLS,`, () => {
    const { services: containers } = composeFile({ tls, profiles: 'observability,tools' });
    const once = (name: string): boolean => name === 'test-client' || name.endsWith('-migration');

    for (const [name, container] of Object.entries(containers)) {
      it(`is hardened and limited: ${name}`, () => {
        expect(container.read_only).to.equal(true);
        expect(container.cap_drop).to.deep.equal(['ALL']);
        expect(container.security_opt).to.deep.equal(['no-new-privileges:true']);
        expect(container.deploy.resources.limits).to.include.keys('cpus', 'memory');
        expect(container.image).to.match(/:[\w.-]+$/);
        expect(container.image).not.to.match(/:latest$/);
      });

      it(`writes logs that do not fill the disk: ${name}`, () => {
        expect(container.logging?.options).to.include({ 'max-size': '10m', 'max-file': '3' });
      });

      it(`${once(name) ? 'runs once' : 'is started again, unless it was stopped'}: ${name}`, () => {
        expect(container.restart ?? 'no').to.equal(once(name) ? 'no' : 'unless-stopped');
      });

      if (once(name) || unasked.has(name)) continue;

      it(`is asked for its health: ${name}`, () => {
        // Of ours the Dockerfile has the question; its test is that of the images.
        if (container.build) expect(container.healthcheck).to.equal(undefined);
        else expect(container.healthcheck?.test?.[0]).to.equal('CMD');
      });
    }
  });
