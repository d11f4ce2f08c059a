import { expect } from 'chai';
import { services } from '../deployments/system.js';
import { eventually } from '../system/dev-process.js';
import { imageFiles } from './image-files.js';
import { startMachine, type Machine } from './machine.js';
import { canRun } from './needs.js';
import { provideImages } from './stand-ins.js';
import { ComposedSystem, serviceOf } from './system.js';
import { fileOf } from '../deployments/tools.js';

const names = services.map(({ name }) => name);
const allPassed = /^\d+ passed, 0 failed, 1 skipped$/m;

interface Targets {
  readonly data: {
    readonly activeTargets: readonly { readonly scrapeUrl: string; readonly health: string }[];
  };
}

(canRun() ? describe : noSuite)('the compose file in a container engine', () => {
  let machine: Machine;
  let system: ComposedSystem;

  before(async () => {
    machine = await startMachine({ rootfs: fileOf('machine', 'rootfs'), files: imageFiles() });
    system = new ComposedSystem(machine);
    await provideImages(machine);
  });

  after(() => machine?.stop());

  const runTestClient = (args = ''): Promise<string> => system.compose(`run --rm -T test-client ${args}`);

  it('is built and brought up by make deploy-docker, which ends when all is healthy', async () => {
    await machine.must('make deploy-docker');
    for (const container of await system.containers()) {
      const isOver = serviceOf(container).endsWith('-migration');
      const { Status, ExitCode, Health } = container.State;
      expect(Status, container.Name).to.equal(isOver ? 'exited' : 'running');
      expect(ExitCode, container.Name).to.equal(0);
      if (Health) expect(Health.Status, container.Name).to.equal('healthy');
    }
  });

  it('runs two replicas of each service', async () => {
    for (const name of names) expect(await system.containers(name), name).to.have.length(2);
  });

  it('gives no container more rights than it needs', async () => {
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

  it('passes every check of test-client, from a container beside it', async () => {
    expect(await runTestClient()).to.match(allPassed);
  });

  it('answers at the promised ports of the machine, by gRPC and with metrics', async () => {
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

  it('shows every replica to Prometheus', async () => {
    const expected = services.flatMap(({ metricsPort }) => [metricsPort, metricsPort]);
    const ports = async (): Promise<string[]> => {
      const { data } = (await system.ask('http://localhost:9090/api/v1/targets?state=active')) as Targets;
      const up = data.activeTargets.filter(({ health }) => health === 'up');
      return up.map(({ scrapeUrl }) => new URL(scrapeUrl).port);
    };
    const isComplete = async (): Promise<boolean> => {
      const all = await ports();
      return expected.every((port) => all.filter((one) => one === String(port)).length === 2);
    };
    await eventually('two replicas of each service are up', isComplete, 90_000);
  });

  it('brings traces of all services to Jaeger', async () => {
    const known = async (): Promise<boolean> => {
      const { data } = (await system.ask('http://jaeger:16686/api/services')) as {
        data: readonly string[] | null;
      };
      return names.every((name) => data?.includes(name));
    };
    await eventually('Jaeger knows all services', known, 180_000);
  });

  it('brings log lines of all services to Loki', async () => {
    const known = async (): Promise<boolean> => {
      const url = 'http://loki:3100/loki/api/v1/label/service_name/values';
      const { data } = (await system.ask(url)) as { data?: readonly string[] };
      return names.every((name) => data?.includes(name));
    };
    await eventually('Loki knows all services', known, 90_000);
  });

  it('loses nothing when a replica of each service is killed under load, and brings it back', async () => {
    const load = runTestClient('--orders 1500 --concurrency 16');
    for (const name of names) {
      const [victim] = await system.containers(name);
      await machine.must(`kill -9 ${victim?.State.Pid}`);
    }
    expect(await load).to.match(/^\d+ passed, 0 failed, 0 skipped$/m);
    for (const name of names) {
      const isBack = async (): Promise<boolean> =>
        (await system.containers(name)).every(({ State }) => State.Health?.Status === 'healthy');
      await eventually(`both replicas of ${name} are healthy`, isBack, 90_000);
    }
  });

  it('lets a replica end by itself when it is stopped', async () => {
    for (const name of names) {
      const [one] = await system.containers(name);
      await machine.must(`docker stop ${one?.Name.slice(1)}`);
    }
    for (const name of names) {
      const stopped = (await system.containers(name)).filter(({ State }) => State.Status === 'exited');
      expect(stopped.map(({ State }) => [State.ExitCode, State.OOMKilled])).to.deep.equal([[0, false]]);
    }
  });

  it('is taken down by make undeploy-docker; its data stays, and goes with VOLUMES=1', async () => {
    const volumes = async (): Promise<string> => machine.must('docker volume ls --quiet');
    await machine.must('make undeploy-docker');
    expect(await system.containers()).to.deep.equal([]);
    expect(await volumes()).to.include('postgres-data');
    await machine.must('make undeploy-docker VOLUMES=1');
    expect(await volumes()).not.to.include('postgres-data');
  });

  it('speaks nothing but mutual TLS with TLS=on, and does without the observability stack', async () => {
    await machine.must('make deploy-docker TLS=on OBSERVABILITY=0');
    system = new ComposedSystem(machine, ['compose.yaml', 'tls.yaml']);
    expect(await runTestClient()).to.match(allPassed);
    const plain = 'run --rm -T -e TLS_CERT_FILE= -e TLS_KEY_FILE= -e TLS_CA_FILE= test-client';
    const outcome = await system.compose(plain).catch((error: unknown) => (error as Error).message);
    expect(outcome).to.include('waited');
    expect((await system.containers()).map(serviceOf)).not.to.include('jaeger');
  });
});

/** What is not here is said at the end of the run. */
function noSuite(): void {
  return undefined;
}
