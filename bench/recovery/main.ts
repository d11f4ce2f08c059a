import { parseArgs } from 'node:util';
import { Scope } from '../../pkg/runtime/index.js';
import { table } from '../table.js';
import { cancellationsBesideOrders } from './cancellations.js';
import { pendingAfterOutage } from './drain.js';
import { frozenPeer } from './frozen-peer.js';
import { orphansClaimed } from './orphans.js';
import { parkedOrdersBesideHealthy } from './parked.js';
import { pinnedToOneCore } from './pinned.js';
import type { Measurement, Scenario } from './scenario.js';

const usage = 'usage: make bench-recovery ARGS="[--short] [--json] [--only WORD]"\n';
const scenarios: readonly Scenario[] = [
  orphansClaimed,
  parkedOrdersBesideHealthy,
  frozenPeer,
  cancellationsBesideOrders,
  pinnedToOneCore,
  pendingAfterOutage,
];

interface Result {
  readonly scenario: string;
  readonly measurements: readonly Measurement[];
  readonly skipped?: string;
}

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    /** Runs only the scenarios whose name contains the word. */
    only: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});
const progress = (message: string): void => void process.stderr.write(`${message}\n`);

async function runScenario({ name, run, skipReason }: Scenario): Promise<Result> {
  const skipped = skipReason?.();
  if (skipped !== undefined) {
    progress(`SKIPPED: ${name}: ${skipped}`);
    return { scenario: name, measurements: [], skipped };
  }
  progress(`\n${name}`);
  const scope = new Scope();
  const stop = (): void => void scope.close();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return {
      scenario: name,
      measurements: await run({ scope, isShort: values.short, onProgress: progress }),
    };
  } catch (error) {
    const measured = error instanceof Error ? error.message : String(error);
    return {
      scenario: name,
      measurements: [{ name: 'runs to the end', measured, limit: 'no error', ok: false }],
    };
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    await scope.close();
  }
}

function rowsOf({ scenario, measurements, skipped }: Result): string[][] {
  if (skipped !== undefined) return [[scenario, skipped, '', '', 'SKIPPED']];
  return measurements.map(({ name, measured, limit, ok }) => [
    scenario,
    name,
    measured,
    limit,
    ok ? 'ok' : 'FAILED',
  ]);
}

async function main(): Promise<void> {
  // Each supervised process of each scenario has an exit listener.
  process.setMaxListeners(100);
  const results: Result[] = [];
  for (const scenario of scenarios.filter(({ name }) => name.includes(values.only)))
    results.push(await runScenario(scenario));
  const all = results.flatMap(({ measurements }) => measurements);
  const failed = all.filter(({ ok }) => !ok).length;
  const skipped = results.filter((result) => result.skipped !== undefined).length;
  if (values.json) process.stdout.write(`${JSON.stringify({ ok: failed === 0, results }, undefined, 2)}\n`);
  else {
    process.stdout.write(
      `\n${table(['scenario', 'figure', 'measured', 'limit', 'result'], results.flatMap(rowsOf))}`,
    );
    process.stdout.write(`\n${all.length - failed} passed, ${failed} failed, ${skipped} skipped\n`);
  }
  process.exitCode = failed === 0 ? 0 : 1;
}

if (values.help) process.stdout.write(usage);
else await main();
