import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { services } from '../../cmd/dev/services/service-spec.js';
import { interruptionSignal } from '../../cmd/terminal/interruption.js';
import { orAborted } from '../../cmd/dev/supervisor/abort.js';
import { seedDemo } from '../../cmd/seed/app.js';
import { waitForTerminalOrders } from '../../cmd/test-client/context/queries.js';
import { ScenarioContext } from '../../cmd/test-client/context/scenario-context.js';
import { checkInvariants } from '../../cmd/test-client/invariants/index.js';
import { countValues, formatCounts, outcomeOf } from '../../cmd/test-client/output/format.js';
import { Printer } from '../../cmd/terminal/printer.js';
import { startCluster } from '../../pkg/postgres/embedded/index.js';
import { createDatabaseIfMissing } from '../../pkg/postgres/index.js';
import { pause, Scope } from '../../pkg/runtime/index.js';
import { Phases } from './phases.js';
import { Replicas } from './replicas.js';
import { SteadyLoad } from './steady-load.js';
import { storeOrders } from './store-orders.js';
import { buildCommit, migrateTo, workingTree, type Version } from '../../bench/version.js';

const usage = 'usage: make verify-upgrade FROM=<commit> [STORED=<orders>]';
const dataDir = '.data/upgrade/postgres';
const steadyMs = 10_000;
const terminalTimeoutMs = 60_000;

interface Run {
  readonly scope: Scope;
  readonly signal: AbortSignal;
  readonly printer: Printer;
}

/** Returns true when every call succeeded, if necessary after retries, and every invariant holds. */
async function verifyUpgrade(
  { from, stored }: { readonly from: string; readonly stored: number },
  { scope, signal, printer }: Run,
): Promise<boolean> {
  const phases = new Phases(printer);
  const onProgress = (message: string): void => printer.info(message);
  const previous = await phases.run(`build ${from}`, () => buildCommit(from, scope));
  const next = workingTree();
  const { url, replicas } = await phases.run(`start ${previous.name}`, () =>
    startSystem(previous, scope, onProgress),
  );
  const context = scope.use(new ScenarioContext({ addresses: replicas.targets, dev: undefined }, signal));
  if (stored > 0)
    await phases.run(`store ${stored} orders`, () => storeOrders(replicas.targets, { stored, url, signal }));
  const load = scope.use(await SteadyLoad.start(context));
  phases.measure(load);
  const runLoad = (version: Version) => phases.run(`load on ${version.name}`, () => pause(steadyMs, signal));

  await runLoad(previous);
  await phases.run(`migrate to ${next.name}`, () => migrateTo(next, url));
  await phases.run(`roll out ${next.name}`, () => replicas.replaceAll(next, onProgress));
  await runLoad(next);
  await phases.run(`roll back to ${previous.name}`, () => replicas.replaceAll(previous, onProgress));
  await runLoad(previous);
  const orders = await phases.run('stop the load', async () => {
    await load.close();
    return waitForTerminalOrders(context, context.log.customers, terminalTimeoutMs);
  });
  const invariants = await checkInvariants(context, printer);
  phases.print(formatCounts(countValues(orders.map(outcomeOf))));
  return load.counts.failures.length === 0 && invariants.every(({ status }) => status === 'passed');
}

async function startSystem(version: Version, scope: Scope, onProgress: (message: string) => void) {
  const removeData = (): Promise<void> => rm(dataDir, { recursive: true, force: true });
  await removeData();
  scope.defer(removeData);
  const cluster = await startCluster({ dataDir, durable: false, onProgress });
  scope.defer(() => cluster.stop());
  const url = (database: string): string => cluster.url(database);
  for (const { database } of services) await createDatabaseIfMissing(url(database));
  await migrateTo(version, url);
  const replicas = scope.use(await Replicas.create(url));
  await replicas.startAll(version);
  await seedDemo({ ...replicas.targets, tls: undefined }, onProgress);
  return { url, replicas };
}

async function main(): Promise<number> {
  const options = {
    from: { type: 'string', default: '' },
    stored: { type: 'string', default: '0' },
  } as const;
  const { from, stored: text } = parseArgs({ options }).values;
  const stored = Number(text);
  if (from === '' || !Number.isSafeInteger(stored) || stored < 0) throw new Error(usage);
  const printer = new Printer(process.stdout);
  const interruption = interruptionSignal();
  const scope = new Scope();
  try {
    const run = { scope, signal: interruption, printer };
    const passed = await orAborted(verifyUpgrade({ from, stored }, run), interruption);
    printer.conclude(passed ? 'upgrade and rollback passed' : 'upgrade or rollback failed');
    return passed ? 0 : 1;
  } finally {
    await scope.close();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const isInterrupted = typeof error === 'number';
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(isInterrupted ? '\ninterrupted\n' : `verify-upgrade: ${text}\n`);
  process.exitCode = isInterrupted ? error : 1;
}
