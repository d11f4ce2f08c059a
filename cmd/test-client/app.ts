import { startTracing } from '../../pkg/observability/index.js';
import { Scope } from '../../pkg/runtime/index.js';
import type { LoadSize } from './args.js';
import type { TestClientConfig } from './config.js';
import { ScenarioContext } from './context/scenario-context.js';
import { openSystemUnderTest, type SystemUnderTest } from './context/system-under-test.js';
import { checkInvariants } from './invariants/index.js';
import { runLoad } from './load.js';
import type { Printer } from '../terminal/printer.js';
import type { Report } from './output/report.js';
import { runScenarios } from './scenarios/run.js';

export interface RunOptions {
  readonly printer: Printer;
  /** Size of the load; undefined to run the scenarios. */
  readonly load: LoadSize | undefined;
  /** Aborts the run. {@link runTestClient} then rejects after all started processes have stopped. */
  readonly signal: AbortSignal;
}

/** Starts the services if necessary, runs scenarios or a load, checks the invariants and stops the started services. */
export async function runTestClient(config: TestClientConfig, options: RunOptions): Promise<Report> {
  const scope = new Scope();
  const startedAt = new Date();
  try {
    scope.use(startTracing(config.telemetry));
    const { printer, signal } = options;
    const onProgress = (message: string): void => printer.info(message);
    const system = scope.use(await openSystemUnderTest(config, { onProgress, signal }));
    const context = scope.use(new ScenarioContext(system, signal));
    printTargets(printer, context, system);
    const results = await runChecks(context, options);
    const durationMs = Date.now() - startedAt.getTime();
    const { addresses, dev } = system;
    const startedServices = dev !== undefined;
    return { run: context.run, startedAt, durationMs, addresses, startedServices, ...results };
  } finally {
    await scope.close();
  }
}

async function runChecks(context: ScenarioContext, { printer, load }: RunOptions) {
  return {
    scenarios: load ? [] : await runScenarios(context, printer),
    load: load && (await runLoad(context, printer, load)),
    invariants: await checkInvariants(context, printer),
  };
}

function printTargets(printer: Printer, context: ScenarioContext, { addresses, dev }: SystemUnderTest): void {
  printer.section(`Run ${context.run} against ${dev ? 'its own services' : 'running services'}`);
  for (const [name, address] of Object.entries(addresses)) printer.info(`${name}-service at ${address}`);
}
