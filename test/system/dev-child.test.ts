import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { startDev, type DevHandle } from '../../cmd/dev/start-dev.js';
import { isAlive, waitForExit } from '../../cmd/dev/supervisor/process-id.js';
import { readState } from '../../cmd/dev/supervisor/state-file.js';
import { isClusterRunning } from '../../pkg/postgres/embedded/index.js';
import { waitFor } from '../support/wait-for.js';
import { areServing, dataDir, isServing, logDir, processWait, stopAndDeleteData } from './dev-process.js';

const options = { dataDir, logDir, env: { DEV_SEED: 'false' } };

describe('startDev', () => {
  before(stopAndDeleteData);
  after(stopAndDeleteData);

  describe('after the start', () => {
    let dev: DevHandle;
    const progress: string[] = [];

    before(async () => {
      dev = await startDev({ ...options, onProgress: (message) => progress.push(message) });
    });

    after(async () => {
      await dev.close();
    });

    it('reports the progress and the addresses of the services', async () => {
      expect(progress).to.include('starting the services');
      expect(await areServing(dev.addresses)).to.equal(true);
    });

    it('kills a service and restarts it on the same port, twice', async () => {
      const first = await dev.kill('order-service');
      await dev.restarted('order-service');
      expect(await isServing(dev.addresses.order)).to.equal(true);
      const second = await dev.kill('order-service');
      expect(second).to.not.equal(first);
      await dev.restarted('order-service');
      expect(await areServing(dev.addresses)).to.equal(true);
    });

    it('rejects a second supervisor with the same data directory', async () => {
      const failure = await startDev(options).then(
        () => 'started',
        (error: Error) => error.message,
      );
      expect(failure).to.match(/^dev is already running \(process \d+\)$/);
      expect(await areServing(dev.addresses)).to.equal(true);
    });
  });

  it('stops every process and removes the state file when closed', async () => {
    const dev = await startDev(options);
    const { children = [] } = readState(dataDir) ?? {};
    expect(children).to.have.length(4);
    await dev.close();
    expect(children.filter(isAlive)).to.deep.equal([]);
    expect(await isClusterRunning(`${dataDir}/postgres`)).to.equal(false);
    expect(readState(dataDir)).to.equal(undefined);
  });

  it('aborts the start when the signal aborts', async () => {
    const abort = new AbortController();
    const starting = startDev({
      ...options,
      signal: abort.signal,
      onProgress: (message) => {
        if (message === 'starting the services') abort.abort(new Error('aborted by the test'));
      },
    });
    const failure = await starting.then(
      () => 'started',
      (error: Error) => error.message,
    );
    expect(failure).to.equal('aborted by the test');
    expect(readState(dataDir)).to.equal(undefined);
    expect(await isClusterRunning(`${dataDir}/postgres`)).to.equal(false);
  });

  it('stops every process when the parent process is killed, and can be called again', async () => {
    const runner = spawn(process.execPath, ['--import', 'tsx', 'test/system/dev-runner.ts'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(runner.stdout, 'data');
    const { supervisor, children } = readState(dataDir) ?? {};
    if (!supervisor || !children) throw new Error('dev is not running');
    runner.kill('SIGKILL');
    const next = await startDev(options);
    try {
      expect(await waitForExit([supervisor, ...children], 0)).to.deep.equal([]);
      expect(await areServing(next.addresses)).to.equal(true);
    } finally {
      await next.close();
    }
    await waitFor(
      async () => !(await isClusterRunning(`${dataDir}/postgres`)),
      'exit of PostgreSQL',
      processWait,
    );
  });
});
