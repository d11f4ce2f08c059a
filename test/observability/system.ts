import { rmSync } from 'node:fs';
import { startDev, type Addresses, type DevHandle } from '../../cmd/dev/start-dev.js';
import { readState } from '../../cmd/dev/supervisor/state-file.js';
import { ScenarioContext } from '../../cmd/test-client/context/scenario-context.js';
import type { Environment } from '../../pkg/config/index.js';
import { dataDir, serviceLogDir } from '../lab/stack/places.js';

/** The services under test. */
export interface System {
  readonly context: ScenarioContext;
  readonly addresses: Addresses;
  readonly dev: DevHandle;
  /** Metrics address of each service, `host:port`. */
  readonly metricsTargets: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Runs the built services on an empty database, with free ports and new logs. */
export async function startSystem(env: Environment): Promise<System> {
  for (const folder of [dataDir, serviceLogDir]) rmSync(folder, { recursive: true, force: true });
  const dev = await startDev({ dataDir, logDir: serviceLogDir, env });
  const services = readState(dataDir)?.endpoints?.services ?? [];
  const metricsTargets = Object.fromEntries(
    services.map(({ name, metrics }) => [name, new URL(metrics).host]),
  );
  const context = openContext(dev.addresses, dev);
  return {
    context,
    addresses: dev.addresses,
    dev,
    metricsTargets,
    close: async () => {
      await context.close();
      await dev.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function openContext(addresses: Addresses, dev: DevHandle | undefined): ScenarioContext {
  return new ScenarioContext({ addresses, dev }, new AbortController().signal);
}
