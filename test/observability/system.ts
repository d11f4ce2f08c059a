import { rmSync } from 'node:fs';
import { startDev, type Addresses, type DevHandle } from '../../cmd/dev/child.js';
import { readState } from '../../cmd/dev/state-file.js';
import { World } from '../../cmd/test-client/world.js';
import { readSettings, type Environment } from '../../pkg/config/index.js';
import { addressSettings } from '../../pkg/rpc/config.js';
import { dataDir, serviceLogDir } from './places.js';

/** The services under test. */
export interface System {
  readonly world: World;
  readonly addresses: Addresses;
  /** Undefined when the services run elsewhere. */
  readonly dev: DevHandle | undefined;
  /** Where each service shows its metrics, `host:port`, by the service's name. */
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
  const world = openWorld(dev.addresses, dev);
  return {
    world,
    addresses: dev.addresses,
    dev,
    metricsTargets,
    close: async () => {
      await world.close();
      await dev.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** The services that the environment names, as for `test-client`. */
export function runningSystem(env: Environment): System {
  const values = readSettings(env, addressSettings);
  const addresses = {
    order: values.ORDER_SERVICE_ADDR,
    inventory: values.INVENTORY_SERVICE_ADDR,
    payment: values.PAYMENT_SERVICE_ADDR,
    catalog: values.CATALOG_SERVICE_ADDR,
  };
  const world = openWorld(addresses, undefined);
  return { world, addresses, dev: undefined, metricsTargets: {}, close: () => world.close() };
}

function openWorld(addresses: Addresses, dev: DevHandle | undefined): World {
  return new World({ addresses, dev }, new AbortController().signal);
}
