import path from 'node:path';
import { parseEnv } from 'node:util';
import { expect } from 'chai';
import { ensureCertificates } from '../../scripts/dev-certs/folder.js';
import { FakeEngine } from './fake-engine.js';
import { processes } from './system.js';
import { runTool } from './tools.js';

const plain = 'compose --file deployments/docker/compose.yaml';
const withTls = `${plain} --file deployments/docker/tls.yaml`;
const up = 'up --detach --no-build --remove-orphans --wait --wait-timeout 300';
const inherited = 'profiles=unset traces=unset password=unset';

describe('make deploy-docker', () => {
  let engine: FakeEngine;

  beforeEach(() => {
    engine = new FakeEngine();
  });
  afterEach(() => engine.remove());

  const certify = (): Promise<unknown> =>
    ensureCertificates(path.join(engine.checkout, '.certs'), processes, new Date());

  it('builds the images, waits until all is healthy, and says where it is', () => {
    const { code, stdout, stderr } = engine.run('deploy');
    expect(code, stderr).to.equal(0);
    expect(engine.calls()).to.deep.equal([
      `${plain} --profile tools build | ${inherited}`,
      `${plain} ${up} | ${inherited}`,
    ]);
    expect(stdout).to.include('orders: localhost:50051. Products to sell: make seed\n');
    expect(stdout).to.include(`docker ${plain} run --rm test-client`);
    expect(stdout).to.include('Grafana: http://localhost:3000');
    expect(stderr).to.equal('');
  });

  it('writes passwords of its own once, for its user alone, and keeps them', () => {
    expect(engine.run('deploy').stdout).to.include('wrote deployments/docker/.env');
    expect(engine.settingsMode()).to.equal(0o600);
    const written = engine.settings();
    const values = parseEnv(written);
    const passwords = Object.keys(values).filter((name) => /DATABASE_PASSWORD|^POSTGRES_PASSWORD/.test(name));
    expect(passwords).to.have.length(5);
    expect(new Set(passwords.map((name) => values[name])).size).to.equal(5);
    for (const name of passwords) expect(values[name]).to.match(/^[0-9a-f]{48}$/);
    expect(engine.run('deploy').stdout).not.to.include('wrote');
    expect(engine.settings()).to.equal(written);
  });

  it('does not invent passwords for databases that are there already', () => {
    engine.succeed('volume');
    const { code, stderr } = engine.run('deploy');
    expect(code).to.equal(1);
    expect(stderr).to.include('.env is gone, and with it the passwords');
    expect(stderr).to.include('make undeploy-docker VOLUMES=1');
    expect(engine.hasSettings()).to.equal(false);
    expect(engine.calls()).to.deep.equal([]);
    engine.writeSettings('POSTGRES_PASSWORD=a\n');
    expect(engine.run('deploy').code).to.equal(0);
  });

  it('leaves the observability stack out with OBSERVABILITY=0', () => {
    const { stdout } = engine.run('deploy', { OBSERVABILITY: '0' });
    expect(engine.calls().at(-1)).to.equal(`${plain} ${up} | profiles= traces=none password=unset`);
    expect(stdout).not.to.include('Grafana');
  });

  it('turns mutual TLS on with TLS=on', async () => {
    await certify();
    const { code, stdout, stderr } = engine.run('deploy', { TLS: 'on' });
    expect(code, stderr).to.equal(0);
    expect(engine.calls()).to.deep.equal([
      `${withTls} --profile tools build | ${inherited}`,
      `${withTls} ${up} | ${inherited}`,
    ]);
    expect(stdout).to.include('with mutual TLS. Products to sell: make seed TLS=on');
    expect(stdout).to.include(`docker ${withTls} run --rm test-client`);
  });

  it('makes or renews certificates first with TLS=on, and only then', () => {
    const planned = (...args: readonly string[]): string => runTool('make', ['-n', 'deploy-docker', ...args]);
    expect(planned('TLS=on')).to.match(/scripts\/dev-certs\/main\.ts[^]*scripts\/deploy-docker\.mjs deploy/);
    expect(planned()).not.to.include('dev-certs');
  });

  it('starts nothing without certificates when TLS=on', () => {
    const { code, stderr } = engine.run('deploy', { TLS: 'on' });
    expect(code).to.equal(1);
    expect(stderr).to.equal('.certs/order-service/tls.key is not there: make dev-certs\n');
    expect(engine.calls()).to.deep.equal([]);
  });

  it('pulls images instead when a registry is given', () => {
    engine.run('deploy', { REGISTRY: 'registry.example/shop/' });
    expect(engine.calls()[0]).to.equal(`${plain} --profile tools pull | ${inherited}`);
  });

  it('waits as long as it is told', () => {
    engine.run('deploy', { TIMEOUT_SECONDS: '900' });
    expect(engine.calls().at(-1)).to.include('--wait --wait-timeout 900 ');
  });

  it('says that other machines may call everything, when they may', () => {
    const warning = 'BIND lets other machines call everything';
    expect(engine.run('deploy').stdout).not.to.include(warning);
    expect(engine.run('deploy', { BIND: '0.0.0.0' }).stdout).to.include(warning);
  });

  const wrong: Record<string, Record<string, string>> = {
    'TLS must be on or off, not yes': { TLS: 'yes' },
    'TIMEOUT_SECONDS must be a number': { TIMEOUT_SECONDS: '5m' },
    'REPLICAS must be 1 to 8': { REPLICAS: '9' },
    'DATABASE_POOL_MAX must be a number': { DATABASE_POOL_MAX: 'many' },
    'would open 230 connections': { REPLICAS: '5' },
    'give it another GRAFANA_ADMIN_PASSWORD': { OBSERVABILITY_BIND: '0.0.0.0' },
  };
  for (const [message, env] of Object.entries(wrong))
    it(`refuses ${JSON.stringify(env)} before it does anything`, () => {
      const { code, stderr } = engine.run('deploy', env);
      expect(code).to.equal(1);
      expect(stderr).to.include(message);
      expect(engine.calls()).to.deep.equal([]);
      expect(engine.hasSettings()).to.equal(false);
    });

  it('lets more replicas share the connections, and others reach Grafana with a password', () => {
    expect(engine.run('deploy', { REPLICAS: '8', DATABASE_POOL_MAX: '4' }).code).to.equal(0);
    const open = { OBSERVABILITY_BIND: '0.0.0.0', GRAFANA_ADMIN_PASSWORD: 'a secret' };
    expect(engine.run('deploy', open).code).to.equal(0);
  });
});

describe('make undeploy-docker', () => {
  let engine: FakeEngine;

  beforeEach(() => {
    engine = new FakeEngine();
  });
  afterEach(() => engine.remove());

  it('stops everything and keeps what is stored', () => {
    engine.run('deploy');
    const password = parseEnv(engine.settings())['POSTGRES_PASSWORD'];
    expect(engine.run('undeploy').code).to.equal(0);
    expect(engine.calls().at(-1)).to.equal(
      `${plain} --profile * down --remove-orphans | profiles=unset traces=unset password=${password}`,
    );
  });

  it('removes what is stored with VOLUMES=1', () => {
    engine.run('undeploy', { VOLUMES: '1' });
    expect(engine.calls().at(-1)).to.include('down --remove-orphans --volumes ');
  });

  it('needs no passwords, and makes none', () => {
    expect(engine.run('undeploy').code).to.equal(0);
    expect(engine.calls().at(-1)).to.include('password=unused');
    expect(engine.hasSettings()).to.equal(false);
  });

  it('ends as compose does', () => {
    engine.fail('down', 'network is in use\n');
    const { code, stderr } = engine.run('undeploy');
    expect(code).to.equal(17);
    expect(stderr).to.include('network is in use');
  });
});
