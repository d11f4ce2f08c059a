import { expect } from 'chai';
import { isAlive } from '../../cmd/dev/process-id.js';
import { readState } from '../../cmd/dev/state-file.js';
import { isClusterRunning } from '../../pkg/postgres/embedded/index.js';
import { dataDir, eventually, removeEverything, runDev, spawnDev, type DevProcess } from './dev-process.js';

/** What a terminal does on Ctrl-C: the signal goes to the whole process group. */
function pressCtrlC({ child }: DevProcess): void {
  process.kill(-(child.pid ?? 0), 'SIGINT');
}

async function expectNothingLeft(children: readonly { pid: number; started: string }[]): Promise<void> {
  expect(children.filter(isAlive)).to.deep.equal([]);
  expect(await isClusterRunning(`${dataDir}/postgres`)).to.equal(false);
  expect(readState(dataDir)).to.equal(undefined);
}

describe('dev in the foreground', () => {
  before(removeEverything);
  after(removeEverything);

  it('stops everything in order on Ctrl-C', async () => {
    const dev = spawnDev([]);
    await eventually('it says how to stop it', () => dev.output().includes('Ctrl-C stops it'));
    const children = readState(dataDir)?.children ?? [];
    expect(children.filter(isAlive)).to.have.length(4);
    pressCtrlC(dev);
    const { code, output } = await dev.ended;
    expect(code, output).to.equal(0);
    expect(output).to.match(/stopping \(SIGINT\)\nstopped\n$/);
    await expectNothingLeft(children);
  });

  it('gives up its start on Ctrl-C', async () => {
    const dev = spawnDev([]);
    await eventually('services are being started', () => (readState(dataDir)?.children.length ?? 0) > 0);
    const children = readState(dataDir)?.children ?? [];
    pressCtrlC(dev);
    const { code, output } = await dev.ended;
    expect(code, output).to.equal(0);
    expect(output).to.not.include('gRPC');
    await expectNothingLeft(children);
  });

  it('stops the start in the background when the terminal interrupts it', async () => {
    const dev = spawnDev(['--background']);
    await eventually('services are being started', () => (readState(dataDir)?.children.length ?? 0) > 0);
    const { supervisor, children = [] } = readState(dataDir) ?? {};
    pressCtrlC(dev);
    const { code, output } = await dev.ended;
    expect(code, output).to.equal(1);
    expect(output).to.match(/interrupted \(SIGINT\)\n$/);
    await expectNothingLeft([...children, ...(supervisor ? [supervisor] : [])]);
  });

  it('reports a service that does not start with the end of its log', async () => {
    const { code, output } = await runDev([], { PAYMENT_FAILURE_RATE: 'often' });
    expect(code).to.equal(1);
    expect(output).to.include('payment-service ended at start (exit code 1); the end of ');
    expect(output).to.include('PAYMENT_FAILURE_RATE must be a number from 0 to 1');
    await expectNothingLeft([]);
  });

  it('reports every mistake in its settings at once', async () => {
    const { code, output } = await runDev([], { DEV_SEED: 'perhaps', ORDER_GRPC_PORT: '99999' });
    expect(code).to.equal(1);
    expect(output).to.include('DEV_SEED must be true or false');
    expect(output).to.include('ORDER_GRPC_PORT must be a whole number from 0 to 65535');
  });
});
