import { parseArgs } from 'node:util';
import { Printer } from '../../cmd/terminal/printer.js';
import { orAborted } from '../../cmd/dev/supervisor/abort.js';
import { interruptionSignal } from '../../cmd/terminal/interruption.js';
import { loadEnvironment } from '../../pkg/config/index.js';
import { Scope } from '../../pkg/runtime/index.js';
import { faultsOf, findShortfalls, ordersOf, printReport } from './report.js';
import { runFaults } from './run.js';

const usage = 'usage: make test-faults SEED=<number> MINUTES=<number> ARGS="--clients <number> --json"\n';

/** Exit codes: 0 all checks passed, 1 a check failed, 2 invalid usage, 3 the run proves too little. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '2' },
      clients: { type: 'string', default: '32' },
      json: { type: 'boolean', default: false },
    },
  });
  const [seed, minutes, clients] = [values.seed, values.minutes, values.clients].map(Number) as [
    number,
    number,
    number,
  ];
  if (!Number.isInteger(seed) || !(minutes > 0) || !Number.isInteger(clients) || clients < 1) {
    process.stderr.write(usage);
    return 2;
  }
  const printer = new Printer(values.json ? process.stderr : process.stdout, loadEnvironment()['NO_COLOR']);
  const interruption = interruptionSignal();
  const scope = new Scope();
  try {
    const run = runFaults({ seed, minutes, clients, scope, signal: interruption, printer });
    const report = await orAborted(run, interruption);
    printReport(report, printer);
    const shortfalls = findShortfalls(report);
    for (const shortfall of shortfalls) printer.status('failed', `the run is invalid: ${shortfall}`);
    const failed = report.checks.filter(({ violations }) => violations.length > 0).length;
    printer.conclude(
      `${report.checks.length - failed} passed, ${failed + shortfalls.length} failed, 0 skipped`,
    );
    const summary = { orders: ordersOf(report), faults: faultsOf(report), shortfalls };
    if (values.json) process.stdout.write(`${JSON.stringify({ ...summary, ...report }, undefined, 2)}\n`);
    if (failed > 0) return 1;
    return shortfalls.length > 0 ? 3 : 0;
  } finally {
    await scope.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const isInterrupted = typeof error === 'number';
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(isInterrupted ? '\ninterrupted\n' : `test-faults: ${text}\n`);
  process.exitCode = isInterrupted ? error : 1;
}
