import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { startDev, type DevHandle } from '../../cmd/dev/child.js';
import { isAlive, untilEnded } from '../../cmd/dev/process-id.js';
import { readState } from '../../cmd/dev/state-file.js';
import { isClusterRunning } from '../../pkg/postgres/embedded/index.js';
import { areServing, dataDir, eventually, isServing, logDir, removeEverything } from './dev-process.js';

const options = { dataDir, logDir, env: { DEV_SEED: 'false' } };

describe('dev as the child of a program', () => {
  before(removeEverything);
  after(removeEverything);

  describe('once started', () => {
    let dev: DevHandle;
    const progress: string[] = [];

    before(async () => {
      dev = await startDev({ ...options, onProgress: (message) => progress.push(message) });
    });

    after(async () => {
      await dev.close();
    });

    it('tells its progress and the addresses of services that answer', async () => {
      expect(progress).to.include('starting the services');
      expect(await areServing(dev.addresses)).to.equal(true);
    });

    it('kills a service on request and restarts it on the same port, more than once', async () => {
      const first = await dev.kill('order-service');
      await dev.restarted('order-service');
      expect(await isServing(dev.addresses.order)).to.equal(true);
      const second = await dev.kill('order-service');
      expect(second).to.not.equal(first);
      await dev.restarted('order-service');
      expect(await areServing(dev.addresses)).to.equal(true);
    });

    it('refuses a second one on the same data', async () => {
      const failure = await startDev(options).then(
        () => 'started',
        (error: Error) => error.message,
      );
      expect(failure).to.match(/^dev already runs \(process \d+\)$/);
      expect(await areServing(dev.addresses)).to.equal(true);
    });
  });

  it('leaves nothing behind when closed', async () => {
    const dev = await startDev(options);
    const { children = [] } = readState(dataDir) ?? {};
    expect(children).to.have.length(4);
    await dev.close();
    expect(children.filter(isAlive)).to.deep.equal([]);
    expect(await isClusterRunning(`${dataDir}/postgres`)).to.equal(false);
    expect(readState(dataDir)).to.equal(undefined);
  });

  it('gives up its start when asked to', async () => {
    const abort = new AbortController();
    const starting = startDev({
      ...options,
      signal: abort.signal,
      onProgress: (message) => {
        if (message === 'starting the services') abort.abort(new Error('changed my mind'));
      },
    });
    const failure = await starting.then(
      () => 'started',
      (error: Error) => error.message,
    );
    expect(failure).to.equal('changed my mind');
    expect(readState(dataDir)).to.equal(undefined);
    expect(await isClusterRunning(`${dataDir}/postgres`)).to.equal(false);
  });

  it('ends by itself when the program is killed, and is no obstacle to the next', async () => {
    const runner = spawn(process.execPath, ['--import', 'tsx', 'test/system/dev-runner.ts'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(runner.stdout, 'data');
    const { supervisor, children } = readState(dataDir) ?? {};
    if (!supervisor || !children) throw new Error('it does not run');
    runner.kill('SIGKILL');
    const next = await startDev(options);
    try {
      expect(await untilEnded([supervisor, ...children], 0)).to.deep.equal([]);
      expect(await areServing(next.addresses)).to.equal(true);
    } finally {
      await next.close();
    }
    await eventually('PostgreSQL is gone', async () => !(await isClusterRunning(`${dataDir}/postgres`)));
  });
});
