import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { isAlive } from '../../cmd/dev/process-id.js';
import { isRunning, readState, stateFileOf, type DevState } from '../../cmd/dev/state-file.js';
import { isClusterRunning } from '../../pkg/postgres/embedded/index.js';
import { areServing, dataDir, eventually, isServing, removeEverything, runDev } from './dev-process.js';

function runningState(): DevState & Required<Pick<DevState, 'endpoints'>> {
  const state = readState(dataDir);
  if (!isRunning(state) || !state.endpoints) throw new Error('dev does not run');
  return { ...state, endpoints: state.endpoints };
}

describe('dev in the background', () => {
  before(async () => {
    await removeEverything();
    const stopped = await runDev(['--stop']);
    expect(stopped).to.include({ code: 0, output: 'dev does not run\n' });
  });

  after(removeEverything);

  beforeEach(async () => {
    const started = await runDev(['--background']);
    expect(started.code, started.output).to.equal(0);
  });

  it('prints the addresses of services that answer, and lives on', async () => {
    const { endpoints } = runningState();
    const shown = await runDev(['--status']);
    expect(shown.code).to.equal(0);
    for (const { name, grpc } of endpoints.services) expect(shown.output).to.match(line(name, grpc));
    expect(await areServing(endpoints.addresses)).to.equal(true);
  });

  it('says that it already runs when started again', async () => {
    const { supervisor, endpoints } = runningState();
    const again = await runDev(['--background']);
    expect(again.code).to.equal(0);
    expect(again.output).to.include(`dev already runs (process ${supervisor.pid})`);
    expect(again.output).to.include(endpoints.addresses.order);
    expect(runningState().supervisor).to.deep.equal(supervisor);
  });

  it('refuses a second supervisor on its data, in the foreground too', async () => {
    const { supervisor } = runningState();
    const second = await runDev([]);
    expect(second).to.deep.equal({ code: 1, output: `dev already runs (process ${supervisor.pid})\n` });
  });

  it('names the service whose port is taken, and the setting to change', async () => {
    const port = runningState().endpoints.addresses.inventory.split(':')[1] ?? '';
    const other = await runDev(['--background'], {
      DEV_DATA_DIR: `${dataDir}-other`,
      DEV_PORTS: 'fixed',
      ...Object.fromEntries(portSettings.map((name) => [name, '0'])),
      INVENTORY_GRPC_PORT: port,
    });
    expect(other.code).to.equal(1);
    expect(other.output).to.equal(
      `port ${port} (inventory-service gRPC) is in use; stop what uses it or set INVENTORY_GRPC_PORT to another\n`,
    );
  });

  it('restarts a service that is killed, on the same port', async () => {
    const { children, endpoints } = runningState();
    const [victim] = children;
    if (!victim) throw new Error('it has no children');
    process.kill(victim.pid, 'SIGKILL');
    await eventually('another process takes its place', () => {
      const now = runningState().children.filter(isAlive);
      return now.length === children.length && !now.some(({ pid }) => pid === victim.pid);
    });
    await eventually('all serve again', () => areServing(endpoints.addresses));
  });

  it('is no obstacle to the next start when killed: services end, PostgreSQL is adopted', async () => {
    const { supervisor, children, endpoints } = runningState();
    process.kill(supervisor.pid, 'SIGKILL');
    const next = await runDev(['--background']);
    expect(next.code, next.output).to.equal(0);
    expect(next.output).to.include('adopted the PostgreSQL');
    expect(children.filter(isAlive)).to.deep.equal([]);
    const now = runningState();
    expect(now.endpoints.postgres.url).to.equal(endpoints.postgres.url);
    expect(await areServing(now.endpoints.addresses)).to.equal(true);
  });

  it('is tidied up by a stop after it was killed', async () => {
    const { supervisor, children } = runningState();
    process.kill(supervisor.pid, 'SIGKILL');
    const stopped = await runDev(['--stop']);
    expect(stopped.code, stopped.output).to.equal(0);
    expect(children.filter(isAlive)).to.deep.equal([]);
    expect(await isClusterRunning(`${dataDir}/postgres`)).to.equal(false);
    expect(readState(dataDir)).to.equal(undefined);
  });

  it('leaves nothing behind when stopped', async () => {
    const { supervisor, children, endpoints } = runningState();
    const stopped = await runDev(['--stop']);
    expect(stopped).to.deep.equal({ code: 0, output: `stopping dev (process ${supervisor.pid})\nstopped\n` });
    expect([supervisor, ...children].filter(isAlive)).to.deep.equal([]);
    expect(await isClusterRunning(`${dataDir}/postgres`)).to.equal(false);
    expect(await isServing(endpoints.addresses.order)).to.equal(false);
    expect((await runDev(['--status'])).output).to.equal('dev does not run\n');
  });

  it('starts once when started twice at the same time', async () => {
    await runDev(['--stop']);
    const both = await Promise.all([runDev(['--background']), runDev(['--background'])]);
    const { supervisor, endpoints } = runningState();
    for (const { code, output } of both) {
      expect(code, output).to.equal(0);
      expect(output).to.include(endpoints.addresses.order);
    }
    const second = both.filter(({ output }) => output.includes(`already runs (process ${supervisor.pid})`));
    expect(second).to.have.length(1);
  });

  it('is not misled by a state file whose process id now belongs to another program', async () => {
    await runDev(['--stop']);
    const state: DevState = {
      phase: 'ready',
      supervisor: { pid: process.pid, started: 'long ago' },
      children: [{ pid: process.pid, started: 'long ago' }],
    };
    writeFileSync(stateFileOf(dataDir), JSON.stringify(state));
    expect((await runDev(['--status'])).output).to.equal('dev does not run\n');
    expect((await runDev(['--background'])).code).to.equal(0);
    expect(runningState().supervisor.pid).to.not.equal(process.pid);
  });
});

const portSettings = ['ORDER', 'INVENTORY', 'PAYMENT', 'CATALOG'].flatMap((prefix) => [
  `${prefix}_GRPC_PORT`,
  `${prefix}_METRICS_PORT`,
]);

function line(...cells: readonly string[]): RegExp {
  return new RegExp(cells.map((cell) => cell.replaceAll('.', String.raw`\.`)).join(String.raw`\s+`));
}
