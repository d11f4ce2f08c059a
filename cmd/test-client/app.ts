import { startTracing } from '../../pkg/observability/tracing.js';
import { Scope } from '../../pkg/runtime/scope.js';
import type { LoadSize } from './args.js';
import { openBackend, type Backend } from './backend.js';
import type { TestClientConfig } from './config.js';
import { checkInvariants } from './invariants/index.js';
import { makeLoad } from './load.js';
import type { Narrator } from './narrator.js';
import { playScenarios } from './play.js';
import type { Report } from './report.js';
import { World } from './world.js';

export interface RunOptions {
  readonly narrator: Narrator;
  readonly load: LoadSize | undefined;
  /** Ends the run early: it rejects, with nothing left behind. */
  readonly signal: AbortSignal;
}

/** One run: starts what is needed, drives it, checks it and stops what it started. */
export async function runTestClient(config: TestClientConfig, options: RunOptions): Promise<Report> {
  const scope = new Scope();
  const startedAt = new Date();
  try {
    scope.use(startTracing(config.telemetry));
    const onProgress = (message: string): void => options.narrator.say(message);
    const { signal } = options;
    const backend = scope.use(await openBackend(config, { onProgress, signal }));
    const world = scope.use(new World(backend, signal));
    introduce(options.narrator, world, backend);
    const found = await drive(world, options);
    const durationMs = Date.now() - startedAt.getTime();
    const { addresses, dev } = backend;
    return { run: world.run, startedAt, durationMs, addresses, startedServices: dev !== undefined, ...found };
  } finally {
    await scope.close();
  }
}

async function drive(world: World, { narrator, load }: RunOptions) {
  return {
    scenarios: load ? [] : await playScenarios(world, narrator),
    load: load && (await makeLoad(world, narrator, load)),
    invariants: await checkInvariants(world, narrator),
  };
}

function introduce(narrator: Narrator, { run }: World, { addresses, dev }: Backend): void {
  narrator.block(`Run ${run}, against ${dev ? 'services of its own' : 'running services'}`);
  for (const [name, address] of Object.entries(addresses)) narrator.say(`${name}-service at ${address}`);
}
