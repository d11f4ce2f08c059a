import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadCatalogConfig } from '../../pkg/catalog/config.js';
import { loadInventoryConfig } from '../../pkg/inventory/index.js';
import { loadOrderConfig } from '../../pkg/order/config.js';
import { loadPaymentConfig } from '../../pkg/payment/config.js';
import { services, type ServiceName } from './system.js';
import { describeWith, fileOf, runTool } from './tools.js';

interface ComposeService {
  readonly image: string;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly ports?: readonly {
    readonly host_ip: string;
    readonly published: string;
    readonly target: number;
  }[];
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly stop_grace_period?: string;
  readonly command?: readonly string[];
  readonly volumes?: readonly { readonly type: string; readonly source: string }[];
  readonly deploy: { readonly replicas?: number; readonly resources: { readonly limits: object } };
}

interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>;
  readonly volumes: object;
}

const example = readFileSync('deployments/docker/.env.example', 'utf8');
const secret = 'not-a-secret';

/** The file as compose understands it, with passwords but otherwise the values of .env.example. */
function config(profiles: string): ComposeFile {
  const variables = example.replaceAll(/_PASSWORD=$/gm, `_PASSWORD=${secret}`);
  const text = variables.replace(/^COMPOSE_PROFILES=.*$/m, `COMPOSE_PROFILES=${profiles}`);
  const folder = mkdtempSync(path.join(tmpdir(), 'order-processing-compose-'));
  try {
    const values = path.join(folder, '.env');
    writeFileSync(values, text);
    const args = [
      '--file',
      'deployments/docker/compose.yaml',
      '--env-file',
      values,
      'config',
      '--format',
      'json',
    ];
    return JSON.parse(runTool(fileOf('compose', 'docker-compose'), args)) as ComposeFile;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const configure: Record<ServiceName, (env: Record<string, string>) => unknown> = {
  'order-service': loadOrderConfig,
  'inventory-service': loadInventoryConfig,
  'payment-service': loadPaymentConfig,
  'catalog-service': loadCatalogConfig,
};

const stack = ['grafana', 'jaeger', 'loki', 'otel-collector', 'prometheus'];

describeWith(['compose'], 'the compose file', () => {
  const file = config('observability');
  const alone = config('');

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
    const haproxy = readFileSync('deployments/docker/proxy/haproxy.cfg', 'utf8');
    for (const { name, grpcPort, metricsPort } of services)
      for (const port of [grpcPort, metricsPort])
        expect(haproxy).to.match(
          new RegExp(`bind :${port}\\n\\s+server-template replica \\d+ ${name}:${port}`),
        );
  });

  for (const [name, service] of Object.entries(file.services)) {
    it(`hardens and limits ${name}`, () => {
      expect(service.read_only).to.equal(true);
      expect(service.cap_drop).to.deep.equal(['ALL']);
      expect(service.security_opt).to.deep.equal(['no-new-privileges:true']);
      expect(service.deploy.resources.limits).to.include.keys('cpus', 'memory');
      expect(service.image).to.match(/:[\w.-]+$/);
      expect(service.image).not.to.match(/:latest$/);
    });
  }

  it('lets nobody but services and migrations near PostgreSQL', () => {
    const near = Object.entries(file.services).filter(([, { networks }]) => 'database' in (networks ?? {}));
    const wanted = [...services.flatMap(({ name }) => [name, `${name}-migration`]), 'postgres'];
    expect(near.map(([name]) => name).toSorted()).to.deep.equal(wanted.toSorted());
    expect(file.networks['database']?.internal).to.equal(true);
    expect(file.services['postgres']?.ports ?? []).to.deep.equal([]);
  });

  it('keeps what is stored in volumes', () => {
    expect(file.volumes).to.have.keys(
      'postgres-data',
      'jaeger-data',
      'prometheus-data',
      'loki-data',
      'grafana-data',
    );
  });

  it('reads no value that .env.example does not list', () => {
    const text = readFileSync('deployments/docker/compose.yaml', 'utf8');
    const read = [...text.matchAll(/\$\{(\w+)/g)].map(([, variable = '']) => variable);
    for (const variable of read) expect(example).to.match(new RegExp(`^${variable}=`, 'm'));
  });
});
