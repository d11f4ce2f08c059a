import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import pg from 'pg';
import { findBinaries, locatePackage } from '../../../pkg/postgres/embedded/binaries.js';
import {
  type EmbeddedCluster,
  isClusterRunning,
  startCluster,
} from '../../../pkg/postgres/embedded/index.js';
import { isAlive, readPostmaster, stopPostmaster } from '../../../pkg/postgres/embedded/postmaster.js';
import { runProgram } from '../../../pkg/postgres/embedded/run-program.js';
import { publicTemp, serverUser } from '../../../pkg/postgres/embedded/system-user.js';
import { failureOf } from '../../support/expect-reason.js';
import { startClusterProcess } from '../../support/postgres/cluster-process.js';
import { waitFor } from '../../support/wait-for.js';

describe('embedded cluster', () => {
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
    // After a process is killed, its PostgreSQL programs may still write files.
    await rm(home, { recursive: true, force: true, maxRetries: 20 });
  });

  async function start(directory = dataDir): Promise<EmbeddedCluster> {
    const cluster = await startCluster({ dataDir: directory, durable: false });
    clusters.push(cluster);
    return cluster;
  }

  it('keeps its data after a restart', async () => {
    const first = await start();
    expect(await isClusterRunning(dataDir)).to.equal(true);
    await query(first, 'create table kept as select 42 as answer');
    await first.stop();
    expect(await isClusterRunning(dataDir)).to.equal(false);
    const second = await start();
    expect(second.adopted).to.equal(false);
    expect(await query(second, 'select answer from kept')).to.deep.equal([{ answer: 42 }]);
  });

  it('listens on this machine only and requires the password', async () => {
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

  it('is adopted after the process that started the server is killed', async () => {
    const child = startClusterProcess(dataDir);
    const { port } = await child.started;
    await child.kill();
    const cluster = await start();
    expect(cluster).to.include({ port, adopted: true });
    expect(await query(cluster, 'select 1 as one')).to.deep.equal([{ one: 1 }]);
    const pid = (await readPostmaster(dataDir))?.pid ?? 0;
    await cluster.stop();
    expect(isAlive(pid)).to.equal(false);
  });

  it('is shared by concurrent processes and stopped by the last process', async () => {
    const processes = [
      startClusterProcess(dataDir),
      startClusterProcess(dataDir),
      startClusterProcess(dataDir),
    ] as const;
    const started = await Promise.all(processes.map((child) => child.started));
    expect(new Set(started.map(({ port }) => port)).size).to.equal(1);
    expect(started.filter(({ adopted }) => !adopted)).to.have.length(1);
    const cluster = await start();
    await Promise.all(processes.map((child) => child.leave()));
    expect(await query(cluster, 'select 1 as one')).to.deep.equal([{ one: 1 }]);
    const pid = (await readPostmaster(dataDir))?.pid ?? 0;
    await cluster.stop();
    expect(isAlive(pid)).to.equal(false);
  });

  it('starts despite the stale lock file of a crashed machine', async () => {
    const first = await start();
    const pidFile = path.join(dataDir, 'postmaster.pid');
    const text = await readFile(pidFile, 'utf8');
    await first.stop();
    // The lock file first contains the id of an ended process, and later the id of a process that is not PostgreSQL.
    for (const pid of [text.split('\n')[0], String(process.pid)]) {
      await writeFile(pidFile, text.replace(/^\d+/, pid ?? ''));
      const next = await start();
      expect(next.adopted).to.equal(false);
      await next.stop();
    }
  });

  it('starts again after its server is killed', async () => {
    const first = await start();
    await query(first, 'create table kept as select 42 as answer');
    const pid = (await readPostmaster(dataDir))?.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    const second = await start();
    expect(second.adopted).to.equal(false);
    expect(await query(second, 'select 1 as one')).to.deep.equal([{ one: 1 }]);
  });

  it('kills its server when the server does not react to SIGINT and SIGQUIT', async () => {
    await start();
    const pid = (await readPostmaster(dataDir))?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    await stopPostmaster(pid, 200);
    expect(isAlive(pid)).to.equal(false);
  });

  it('is initialized again after an interrupted initdb', async () => {
    const child = startClusterProcess(dataDir);
    const drafts = async (): Promise<string[]> =>
      (await readdir(home)).filter((name) => name.includes('.init-'));
    const hasFiles = async (): Promise<boolean> => {
      const draft = (await drafts()).find((name) => !name.endsWith('.password'));
      return draft !== undefined && (await readdir(path.join(home, draft))).length > 0;
    };
    await waitFor(hasFiles, 'file written by initdb', { timeoutMs: 60_000 });
    await child.kill();
    expect(await drafts()).not.to.deep.equal([]);
    const cluster = await start();
    expect(await query(cluster, 'select 1 as one')).to.deep.equal([{ one: 1 }]);
  });

  it('relocates its data when its system user cannot enter the data directory', async () => {
    const restricted = path.join(home, 'private');
    await mkdir(restricted, { mode: 0o700 });
    const inside = path.join(restricted, 'checkout', '.data', 'cluster');
    expect(await isClusterRunning(inside)).to.equal(false);
    const first = await start(inside);
    expect(await isClusterRunning(inside)).to.equal(true);
    await query(first, 'create table kept as select 42 as answer');
    await first.stop();
    const second = await start(inside);
    const [row] = await query(
      second,
      `select current_setting('data_directory') as directory, answer from kept`,
    );
    expect(row).to.have.property('answer', 42);
    await second.stop();
    // After the requested directory and its parent are deleted, the next start of any cluster removes the relocated data.
    const relocated = String(row?.['directory']);
    await rm(restricted, { recursive: true });
    await mkdir(restricted, { mode: 0o700 });
    await (await start(path.join(restricted, 'other'))).stop();
    expect(await readdir(relocated).catch(() => 'missing')).to.equal('missing');
  });

  it('runs a copy of the npm package when its system user cannot run the installed programs', async () => {
    const installed = path.join(home, 'private', 'package');
    await mkdir(path.dirname(installed), { mode: 0o700 });
    await cp(locatePackage(), installed, { recursive: true, verbatimSymlinks: true });
    // npm leaves the package in this state when npm runs without install scripts.
    await rm(path.join(installed, 'native/lib/libpq.so.5'));
    await chmod(path.join(installed, 'native/bin/initdb'), 0o644);
    const originalTmpdir = process.env['TMPDIR'];
    process.env['TMPDIR'] = home;
    const user = await serverUser();
    try {
      const searches = [1, 2, 3].map(() => findBinaries(user, () => undefined, installed));
      const [binaries] = await Promise.all(searches);
      expect(binaries?.initdb).to.match(/order-processing-postgres-.*initdb$/);
      const { ok } = await runProgram(binaries?.initdb ?? '', ['--version'], { user });
      expect(ok).to.equal(true);
      const copies = (await readdir(home)).filter((name) => name.startsWith('order-processing'));
      expect(copies).to.have.length(1);
    } finally {
      if (originalTmpdir === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = originalTmpdir;
    }
  });

  it('rejects a directory with other files', async () => {
    await mkdir(dataDir);
    await writeFile(path.join(dataDir, 'thesis.txt'), 'years of work');
    const failure = await failureOf(start());
    expect(failure.message).to.contain('not a data directory of this project');
    expect(await readdir(dataDir)).to.deep.equal(['thesis.txt']);
  });

  it('fails when its port is in use', async () => {
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
