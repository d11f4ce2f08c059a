import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type EmbeddedCluster, startCluster } from '../../../pkg/postgres/embedded/index.js';
import { isAlive } from '../../../pkg/postgres/embedded/postmaster.js';
import { testRun } from './test-run.js';

const dataDir = fileURLToPath(new URL('../../../.data/test-cluster', import.meta.url));

/** Returns the cluster of this test run. The first call starts the cluster or joins the cluster of another run. */
export function testCluster(): Promise<EmbeddedCluster> {
  testRun.cluster ??= start();
  return testRun.cluster;
}

/** Stops the cluster, unless another run uses it. */
export async function stopTestCluster(): Promise<void> {
  const cluster = await testRun.cluster;
  testRun.cluster = undefined;
  await cluster?.stop();
}

/** Runs `work` on a connection to the `postgres` database. */
export async function asAdmin<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const cluster = await testCluster();
  return withAdmin(cluster, work);
}

async function start(): Promise<EmbeddedCluster> {
  const cluster = await startCluster({
    dataDir: path.resolve(dataDir),
    maxConnections: 300,
    durable: false,
  });
  await withAdmin(cluster, dropLeftovers);
  return cluster;
}

async function withAdmin<T>(cluster: EmbeddedCluster, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: cluster.url('postgres') });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Drops databases of killed test runs. The name of a test database is `test_<process id>_<n>`. */
async function dropLeftovers(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    String.raw`select datname as name from pg_database where datname like 'test\_%'`,
  );
  for (const { name } of rows) {
    if (isAlive(Number(name.split('_')[1]))) continue;
    await client.query(`drop database if exists ${client.escapeIdentifier(name)} with (force)`);
  }
}
