import path from 'node:path';
import { expect } from 'chai';
import { startDev } from '../../cmd/dev/start-dev.js';
import { lastLine, TestFolder } from './test-client-process.js';

/** The fields of the JSON document that the tests read. */
interface Document {
  readonly version: number;
  readonly ok: boolean;
  readonly summary: { readonly passed: number; readonly failed: number; readonly skipped: number };
  readonly started_services: boolean;
  readonly scenarios: readonly {
    readonly number: number;
    readonly status: string;
    readonly steps: readonly { readonly order_id?: string; readonly trace_id?: string }[];
    readonly checks: readonly unknown[];
  }[];
  readonly load?: { readonly outcomes: unknown; readonly latency: { readonly p50: number } };
  readonly invariants: readonly { readonly number: number; readonly status: string }[];
}

const allPassed = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => ({ number, status: 'passed' }));

describe('test-client', function () {
  this.timeout(300_000);
  let folder: TestFolder;

  beforeEach(() => {
    folder = new TestFolder();
  });

  afterEach(() => {
    folder.remove();
  });

  it('runs nine scenarios against its own services, checks nine invariants and prints JSON', async () => {
    const { code, stdout, stderr } = await folder.run(['--json']);
    const document = JSON.parse(stdout) as Document;
    expect(
      document.scenarios.map(({ number, status }) => ({ number, status })),
      stderr,
    ).to.deep.equal(allPassed);
    expect(
      document.invariants.map(({ number, status }) => ({ number, status })),
      stderr,
    ).to.deep.equal(allPassed);
    expect(code).to.equal(0);
    expect(document).to.include({ version: 1, ok: true, started_services: true });
    const checks = document.scenarios.flatMap((scenario) => scenario.checks).length;
    expect(document.summary).to.deep.equal({ passed: checks + 9, failed: 0, skipped: 0 });
    const orders = document.scenarios.flatMap(({ steps }) => steps).filter(({ order_id }) => order_id);
    expect(orders).to.not.be.empty;
    for (const { trace_id } of orders) expect(trace_id).to.match(/^[0-9a-f]{32}$/);
    await folder.expectStopped();
  });

  it('runs a load after an earlier run was killed, and ends with the summary line', async () => {
    const killedRun = folder.start();
    await killedRun.printed('── 2.');
    const processes = folder.processes();
    killedRun.signal('SIGKILL');
    const { code, stdout, stderr } = await folder.run(['--orders', '60', '--concurrency', '6']);
    expect(stderr).to.equal('');
    expect(lastLine(stdout)).to.equal('10 passed, 0 failed, 0 skipped');
    expect(stdout)
      .to.include('outcomes: 60 CONFIRMED')
      .and.to.match(/latency: p50 .* p95 .* p99 /);
    expect(code).to.equal(0);
    await folder.expectStopped(processes);
  });

  it('stops every process on Ctrl-C', async () => {
    const run = folder.start();
    await run.printed('── 2.');
    const processes = folder.processes();
    run.signal('SIGINT');
    const { code, stderr } = await run.exited;
    expect(stderr).to.include('interrupted');
    expect(code).to.equal(130);
    await folder.expectStopped(processes);
  });

  it('stops every process on Ctrl-C during the start', async () => {
    const run = folder.start();
    await run.printed('starting the services');
    run.signal('SIGINT');
    expect((await run.exited).code).to.equal(130);
    await folder.expectStopped();
  });

  it('shares running services with other runs and skips the scenario that kills a service', async () => {
    const dev = await startDev({
      dataDir: path.join(folder.directory, 'data'),
      logDir: path.join(folder.directory, 'logs'),
    });
    try {
      const env = {
        ORDER_SERVICE_ADDR: dev.addresses.order,
        INVENTORY_SERVICE_ADDR: dev.addresses.inventory,
        PAYMENT_SERVICE_ADDR: dev.addresses.payment,
        CATALOG_SERVICE_ADDR: dev.addresses.catalog,
      };
      const runs = await Promise.all([
        folder.run([], env),
        folder.run(['--orders', '100', '--concurrency', '8', '--json'], env),
      ]);
      const [scenarios, load] = runs;
      expect(lastLine(scenarios.stdout), scenarios.stdout).to.match(/^\d+ passed, 0 failed, 1 skipped$/);
      expect(scenarios.stdout).to.include('SKIPPED');
      const document = JSON.parse(load.stdout) as Document;
      expect(document.load).to.deep.include({ outcomes: { CONFIRMED: 100 } });
      expect(document.load?.latency.p50).to.be.greaterThan(0);
      expect(runs.map(({ code }) => code)).to.deep.equal([0, 0]);
    } finally {
      await dev.close();
    }
  });

  it('names the unreachable service', async () => {
    const unreachable = '127.0.0.1:1';
    const { code, stderr } = await folder.run([], {
      ORDER_SERVICE_ADDR: unreachable,
      INVENTORY_SERVICE_ADDR: unreachable,
      PAYMENT_SERVICE_ADDR: unreachable,
      CATALOG_SERVICE_ADDR: unreachable,
    });
    expect(stderr).to.match(/the \w+ service at 127\.0\.0\.1:1 is not healthy/);
    expect(code).to.equal(1);
  });

  it('rejects invalid arguments and an incomplete configuration', async () => {
    const invalidArguments = await folder.run(['--orders', 'many']);
    expect(invalidArguments.stderr).to.include(
      "--orders must be a whole number from 1 to 100000, not 'many'",
    );
    const incompleteConfiguration = await folder.run([], { ORDER_SERVICE_ADDR: 'localhost:50051' });
    expect(incompleteConfiguration.stderr).to.include('PAYMENT_SERVICE_ADDR is required');
    expect([invalidArguments.code, incompleteConfiguration.code]).to.deep.equal([2, 2]);
  });

  it('prints its usage', async () => {
    const { code, stdout } = await folder.run(['--help']);
    expect(stdout).to.include('--orders N').and.to.include('Exit code');
    expect(code).to.equal(0);
  });
});
