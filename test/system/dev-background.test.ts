import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { isAlive } from '../../cmd/dev/supervisor/process-id.js';
import { isRunning, readState, stateFileOf, type DevState } from '../../cmd/dev/supervisor/state-file.js';
import { isClusterRunning } from '../../pkg/postgres/embedded/index.js';
import { waitFor } from '../support/wait-for.js';
import { areServing, dataDir, isServing, processWait, stopAndDeleteData, runDev } from './dev-process.js';

function runningState(): DevState & Required<Pick<DevState, 'endpoints'>> {
  const state = readState(dataDir);
  if (!isRunning(state) || !state.endpoints) throw new Error('dev is not running');
  return { ...state, endpoints: state.endpoints };
}

describe('dev in the background', () => {
  before(async () => {
    await stopAndDeleteData();
    const stopped = await runDev(['--stop']);
    expect(stopped).to.include({ code: 0, output: 'dev is not running\n' });
  });

  after(stopAndDeleteData);

  beforeEach(async () => {
    const started = await runDev(['--background']);
    expect(started.code, started.output).to.equal(0);
  });

  it('prints the addresses and the memory of the running services with --status', async () => {
    const { endpoints } = runningState();
    const status = await runDev(['--status']);
    expect(status.code).to.equal(0);
    for (const { name, grpc, metrics } of endpoints.services)
      expect(status.output).to.match(lineOf(name, grpc, metrics, '[0-9]+ MiB'));
    expect(status.output).to.match(/^memory +[0-9]+ MiB resident/m);
    expect(await areServing(endpoints.addresses)).to.equal(true);
  });

  it('reports that dev is already running when started again', async () => {
    const { supervisor, endpoints } = runningState();
    const again = await runDev(['--background']);
    expect(again.code).to.equal(0);
    expect(again.output).to.include(`dev is already running (process ${supervisor.pid})`);
    expect(again.output).to.include(endpoints.addresses.order);
    expect(runningState().supervisor).to.deep.equal(supervisor);
  });

  it('rejects a foreground run with the same data directory', async () => {
    const { supervisor } = runningState();
    const second = await runDev([]);
    expect(second).to.deep.equal({ code: 1, output: `dev is already running (process ${supervisor.pid})\n` });
  });

  it('names the service whose port is in use, and the setting to change', async () => {
    const port = runningState().endpoints.addresses.inventory.split(':')[1] ?? '';
    const other = await runDev(['--background'], {
      DEV_DATA_DIR: `${dataDir}-other`,
      DEV_PORTS: 'fixed',
      ...Object.fromEntries(portSettings.map((name) => [name, '0'])),
      INVENTORY_GRPC_PORT: port,
    });
    expect(other.code).to.equal(1);
    expect(other.output).to.equal(
      `port ${port} (inventory-service gRPC) is in use; stop the program that uses it or set INVENTORY_GRPC_PORT to another port\n`,
    );
  });

  it('restarts a killed service on the same port', async () => {
    const { children, endpoints } = runningState();
    const [victim] = children;
    if (!victim) throw new Error('dev has no children');
    process.kill(victim.pid, 'SIGKILL');
    const isReplaced = () => {
      const alive = runningState().children.filter(isAlive);
      return alive.length === children.length && !alive.some(({ pid }) => pid === victim.pid);
    };
    await waitFor(isReplaced, 'replacement process', processWait);
    await waitFor(() => areServing(endpoints.addresses), 'healthy services', processWait);
  });

  it('stops orphaned services and adopts PostgreSQL when started after the supervisor was killed', async () => {
    const { supervisor, children, endpoints } = runningState();
    process.kill(supervisor.pid, 'SIGKILL');
    const next = await runDev(['--background']);
    expect(next.code, next.output).to.equal(0);
    expect(next.output).to.include('adopted the PostgreSQL server');
    expect(children.filter(isAlive)).to.deep.equal([]);
    const state = runningState();
    expect(state.endpoints.postgres.url).to.equal(endpoints.postgres.url);
    expect(await areServing(state.endpoints.addresses)).to.equal(true);
  });

  it('stops orphaned processes with --stop after the supervisor was killed', async () => {
    const { supervisor, children } = runningState();
    process.kill(supervisor.pid, 'SIGKILL');
    const stopped = await runDev(['--stop']);
    expect(stopped.code, stopped.output).to.equal(0);
    expect(children.filter(isAlive)).to.deep.equal([]);
    expect(await isClusterRunning(`${dataDir}/postgres`)).to.equal(false);
    expect(readState(dataDir)).to.equal(undefined);
  });

  it('stops every process with --stop', async () => {
    const { supervisor, children, endpoints } = runningState();
    const stopped = await runDev(['--stop']);
    expect(stopped).to.deep.equal({ code: 0, output: `stopping dev (process ${supervisor.pid})\nstopped\n` });
    expect([supervisor, ...children].filter(isAlive)).to.deep.equal([]);
    expect(await isClusterRunning(`${dataDir}/postgres`)).to.equal(false);
    expect(await isServing(endpoints.addresses.order)).to.equal(false);
    expect((await runDev(['--status'])).output).to.equal('dev is not running\n');
  });

  it('runs only one supervisor when started twice at the same time', async () => {
    await runDev(['--stop']);
    const runs = await Promise.all([runDev(['--background']), runDev(['--background'])]);
    const { supervisor, endpoints } = runningState();
    for (const { code, output } of runs) {
      expect(code, output).to.equal(0);
      expect(output).to.include(endpoints.addresses.order);
    }
    const reports = runs.filter(({ output }) =>
      output.includes(`already running (process ${supervisor.pid})`),
    );
    expect(reports).to.have.length(1);
  });

  it('ignores a state file whose process id belongs to another program', async () => {
    await runDev(['--stop']);
    const state: DevState = {
      phase: 'ready',
      supervisor: { pid: process.pid, started: 'long ago' },
      children: [{ pid: process.pid, started: 'long ago' }],
    };
    writeFileSync(stateFileOf(dataDir), JSON.stringify(state));
    expect((await runDev(['--status'])).output).to.equal('dev is not running\n');
    expect((await runDev(['--background'])).code).to.equal(0);
    expect(runningState().supervisor.pid).to.not.equal(process.pid);
  });
});

const portSettings = ['ORDER', 'INVENTORY', 'PAYMENT', 'CATALOG'].flatMap((prefix) => [
  `${prefix}_GRPC_PORT`,
  `${prefix}_METRICS_PORT`,
]);

function lineOf(...cells: readonly string[]): RegExp {
  return new RegExp(cells.map((cell) => cell.replaceAll('.', String.raw`\.`)).join(String.raw`\s+`));
}
