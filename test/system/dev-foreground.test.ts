import { expect } from 'chai';
import { isAlive, type ProcessId } from '../../cmd/dev/supervisor/process-id.js';
import { readState } from '../../cmd/dev/supervisor/state-file.js';
import { isClusterRunning } from '../../pkg/postgres/embedded/index.js';
import { waitFor } from '../support/wait-for.js';
import { dataDir, processWait, stopAndDeleteData, runDev, spawnDev, type DevProcess } from './dev-process.js';

/** Sends SIGINT to the whole process group, as a terminal does. */
function pressCtrlC({ child }: DevProcess): void {
  process.kill(-(child.pid ?? 0), 'SIGINT');
}

async function expectStopped(children: readonly ProcessId[]): Promise<void> {
  expect(children.filter(isAlive)).to.deep.equal([]);
  expect(await isClusterRunning(`${dataDir}/postgres`)).to.equal(false);
  expect(readState(dataDir)).to.equal(undefined);
}

describe('dev in the foreground', () => {
  before(stopAndDeleteData);
  after(stopAndDeleteData);

  it('stops every process gracefully on Ctrl-C', async () => {
    const dev = spawnDev([]);
    await waitFor(() => dev.output().includes('press Ctrl-C'), 'Ctrl-C hint', processWait);
    const children = readState(dataDir)?.children ?? [];
    expect(children.filter(isAlive)).to.have.length(4);
    pressCtrlC(dev);
    const { code, output } = await dev.exited;
    expect(code, output).to.equal(0);
    expect(output).to.match(/stopping \(SIGINT\)\nstopped\n$/);
    await expectStopped(children);
  });

  it('aborts the start on Ctrl-C', async () => {
    const dev = spawnDev([]);
    await waitFor(() => (readState(dataDir)?.children.length ?? 0) > 0, 'service process', processWait);
    const children = readState(dataDir)?.children ?? [];
    pressCtrlC(dev);
    const { code, output } = await dev.exited;
    expect(code, output).to.equal(0);
    expect(output).to.not.include('gRPC');
    await expectStopped(children);
  });

  it('aborts the start of `dev --background` on Ctrl-C', async () => {
    const dev = spawnDev(['--background']);
    await waitFor(() => (readState(dataDir)?.children.length ?? 0) > 0, 'service process', processWait);
    const { supervisor, children = [] } = readState(dataDir) ?? {};
    pressCtrlC(dev);
    const { code, output } = await dev.exited;
    expect(code, output).to.equal(1);
    expect(output).to.match(/interrupted \(SIGINT\)\n$/);
    await expectStopped([...children, ...(supervisor ? [supervisor] : [])]);
  });

  it('prints the last log lines of a service that fails to start', async () => {
    const { code, output } = await runDev([], { PAYMENT_FAILURE_RATE: 'often' });
    expect(code).to.equal(1);
    expect(output).to.include('payment-service exited during start-up (exit code 1); the end of ');
    expect(output).to.include('PAYMENT_FAILURE_RATE must be a number from 0 to 1');
    await expectStopped([]);
  });

  it('reports every invalid setting at once', async () => {
    const { code, output } = await runDev([], { DEV_SEED: 'perhaps', ORDER_GRPC_PORT: '99999' });
    expect(code).to.equal(1);
    expect(output).to.include('DEV_SEED must be true or false');
    expect(output).to.include('ORDER_GRPC_PORT must be a whole number from 0 to 65535');
  });
});
