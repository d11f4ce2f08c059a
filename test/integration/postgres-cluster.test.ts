import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { findBinaries, locatePackage } from '../../pkg/postgres/embedded/binaries.js';
import { type EmbeddedCluster, isClusterRunning, startCluster } from '../../pkg/postgres/embedded/index.js';
import { isAlive, readPostmaster, stopPostmaster, until } from '../../pkg/postgres/embedded/postmaster.js';
import { runProgram } from '../../pkg/postgres/embedded/run.js';
import { publicTemp } from '../../pkg/postgres/embedded/temp.js';
import { serverUser } from '../../pkg/postgres/embedded/user.js';
import { failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import { holdCluster } from '../../pkg/postgres/testing/held-cluster.js';

describe('an embedded cluster', () => {
  let home: string;
  let dataDir: string;
  const clusters: EmbeddedCluster[] = [];

  beforeEach(async () => {
    home = await mkdtemp(path.join(await publicTemp(), 'cluster-test-'));
    await chmod(home, 0o755);
    dataDir = path.join(home, 'data');
  });
  afterEach(async () => {
    await Promise.all(clusters.splice(0).map((cluster) => cluster.stop()));
    // Programs of a killed process may still be writing.
    await rm(home, { recursive: true, force: true, maxRetries: 20 });
  });

  async function start(at = dataDir): Promise<EmbeddedCluster> {
    const cluster = await startCluster({ dataDir: at, durable: false });
    clusters.push(cluster);
    return cluster;
  }

  it('keeps its data from one start to the next', async () => {
    const first = await start();
    expect(await isClusterRunning(dataDir)).to.equal(true);
    await query(first, 'create table kept as select 42 as answer');
    await first.stop();
    expect(await isClusterRunning(dataDir)).to.equal(false);
    const second = await start();
    expect(second.adopted).to.equal(false);
    expect(await query(second, 'select answer from kept')).to.deep.equal([{ answer: 42 }]);
  });

  it('listens on this machine only and lets nobody in without the password', async () => {
    const cluster = await start();
    const url = new URL(cluster.url('postgres'));
    url.password = 'guess';
    const failure = await failureOf(queryUrl(url.href, 'select 1'));
    expect(failure.message).to.contain('password');
    const settings = `select name, setting from pg_settings
      where name in ('listen_addresses', 'unix_socket_directories') order by name`;
    expect(await query(cluster, settings)).to.deep.equal([
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'unix_socket_directories', setting: '' },
    ]);
    expect((await stat(dataDir)).mode & 0o077).to.equal(0);
    expect((await stat(`${dataDir}.log`)).mode & 0o077).to.equal(0);
  });

  it('is adopted after its starter was killed', async () => {
    const holder = holdCluster(dataDir);
    const { port } = await holder.started;
    await holder.kill();
    const cluster = await start();
    expect(cluster).to.include({ port, adopted: true });
    expect(await query(cluster, 'select 1 as one')).to.deep.equal([{ one: 1 }]);
    const pid = (await readPostmaster(dataDir))?.pid ?? 0;
    await cluster.stop();
    expect(isAlive(pid)).to.equal(false);
  });

  it('is shared by processes that start together, and stopped by the last of them', async () => {
    const holders = [holdCluster(dataDir), holdCluster(dataDir), holdCluster(dataDir)] as const;
    const started = await Promise.all(holders.map((holder) => holder.started));
    expect(new Set(started.map(({ port }) => port)).size).to.equal(1);
    expect(started.filter(({ adopted }) => !adopted)).to.have.length(1);
    const cluster = await start();
    await Promise.all(holders.map((holder) => holder.leave()));
    expect(await query(cluster, 'select 1 as one')).to.deep.equal([{ one: 1 }]);
    const pid = (await readPostmaster(dataDir))?.pid ?? 0;
    await cluster.stop();
    expect(isAlive(pid)).to.equal(false);
  });

  it('starts again over the pid file of a machine that crashed', async () => {
    const first = await start();
    const pidFile = path.join(dataDir, 'postmaster.pid');
    const text = await readFile(pidFile, 'utf8');
    await first.stop();
    // The id of a process that has ended, then of one that is not PostgreSQL.
    for (const pid of [text.split('\n')[0], String(process.pid)]) {
      await writeFile(pidFile, text.replace(/^\d+/, pid ?? ''));
      const next = await start();
      expect(next.adopted).to.equal(false);
      await next.stop();
    }
  });

  it('starts again after all of its processes were killed', async () => {
    const first = await start();
    await query(first, 'create table kept as select 42 as answer');
    const pid = (await readPostmaster(dataDir))?.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    const second = await start();
    expect(second.adopted).to.equal(false);
    expect(await query(second, 'select 1 as one')).to.deep.equal([{ one: 1 }]);
  });

  it('is stopped by force when it does not react', async () => {
    await start();
    const pid = (await readPostmaster(dataDir))?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    await stopPostmaster(pid, 200);
    expect(isAlive(pid)).to.equal(false);
  });

  it('is made anew when its making was interrupted', async () => {
    const holder = holdCluster(dataDir);
    const drafts = async (): Promise<string[]> =>
      (await readdir(home)).filter((name) => name.includes('.init-'));
    const begun = async (): Promise<boolean> => {
      const draft = (await drafts()).find((name) => !name.endsWith('.password'));
      return draft !== undefined && (await readdir(path.join(home, draft))).length > 0;
    };
    expect(await until(begun, 60_000)).to.equal(true);
    await holder.kill();
    expect(await drafts()).not.to.deep.equal([]);
    const cluster = await start();
    expect(await query(cluster, 'select 1 as one')).to.deep.equal([{ one: 1 }]);
  });

  it('works below a directory that only its owner may enter', async () => {
    const secluded = path.join(home, 'private');
    await mkdir(secluded, { mode: 0o700 });
    const inside = path.join(secluded, 'checkout', '.data', 'cluster');
    expect(await isClusterRunning(inside)).to.equal(false);
    const first = await start(inside);
    expect(await isClusterRunning(inside)).to.equal(true);
    await query(first, 'create table kept as select 42 as answer');
    await first.stop();
    const second = await start(inside);
    const [place] = await query(second, `select current_setting('data_directory') as at, answer from kept`);
    expect(place).to.have.property('answer', 42);
    await second.stop();
    // Data that had to move goes when its place is gone and another cluster is started.
    const at = String(place?.['at']);
    await rm(secluded, { recursive: true });
    await mkdir(secluded, { mode: 0o700 });
    await (await start(path.join(secluded, 'other'))).stop();
    expect(await readdir(at).catch(() => 'gone')).to.equal('gone');
  });

  it('runs from an installation that its user cannot run in place', async () => {
    const installed = path.join(home, 'private', 'package');
    await mkdir(path.dirname(installed), { mode: 0o700 });
    await cp(locatePackage(), installed, { recursive: true, verbatimSymlinks: true });
    // As npm leaves it when install scripts are not allowed to run.
    await rm(path.join(installed, 'native/lib/libpq.so.5'));
    await chmod(path.join(installed, 'native/bin/initdb'), 0o644);
    const environment = process.env['TMPDIR'];
    process.env['TMPDIR'] = home;
    const user = await serverUser();
    try {
      const found = [1, 2, 3].map(() => findBinaries(user, () => undefined, installed));
      const [binaries] = await Promise.all(found);
      expect(binaries?.initdb).to.match(/order-processing-postgres-.*initdb$/);
      const { ok } = await runProgram(binaries?.initdb ?? '', ['--version'], { user });
      expect(ok).to.equal(true);
      const copies = (await readdir(home)).filter((name) => name.startsWith('order-processing'));
      expect(copies).to.have.length(1);
    } finally {
      if (environment === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = environment;
    }
  });

  it('leaves alone a directory that holds something else', async () => {
    await mkdir(dataDir);
    await writeFile(path.join(dataDir, 'thesis.txt'), 'years of work');
    const failure = await failureOf(start());
    expect(failure.message).to.contain('not a cluster of ours');
    expect(await readdir(dataDir)).to.deep.equal(['thesis.txt']);
  });

  it('says that its port is in use', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const failure = await failureOf(startCluster({ dataDir, port, durable: false }));
    expect(failure.message).to.contain(`port ${port}`).and.to.contain('in use');
    await new Promise((resolve) => server.close(resolve));
  });
});

function query(cluster: EmbeddedCluster, text: string): Promise<Record<string, unknown>[]> {
  return queryUrl(cluster.url('postgres'), text);
}

async function queryUrl(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}
