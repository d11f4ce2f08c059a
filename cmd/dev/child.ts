import { loadEnvironment, type Environment } from '../../pkg/config/index.js';
import type { Addresses, ServiceName } from './protocol.js';
import { spawnSupervisor } from './spawn-supervisor.js';
import { SupervisorProcess } from './supervisor-process.js';

export type { Addresses, ServiceName } from './protocol.js';

export interface StartDevOptions {
  /** Where the databases live; made when missing. One supervisor at a time. */
  readonly dataDir: string;
  /** Where each process writes its log; made when missing. */
  readonly logDir: string;
  /** Over the environment of this process. */
  readonly env?: Environment;
  /** Gives up the start. */
  readonly signal?: AbortSignal;
  onProgress?(message: string): void;
}

/** PostgreSQL and the services, run by a supervisor that ends with this process. */
export interface DevHandle {
  readonly addresses: Addresses;
  /** SIGKILLs the service; resolves with the killed pid once it is dead. It is then restarted. */
  kill(service: ServiceName): Promise<number>;
  /** Resolves when the service serves again after a kill; at once when it was not killed. */
  restarted(service: ServiceName): Promise<void>;
  /** Stops everything and waits until nothing is left. */
  close(): Promise<void>;
}

/**
 * Starts PostgreSQL and the four services on free ports and loads the demo data. Nothing stays
 * behind when this process ends, however it ends.
 *
 * @throws Error that says what is in the way; the reason of `signal` when it aborts
 */
export async function startDev(options: StartDevOptions): Promise<DevHandle> {
  const { signal } = options;
  signal?.throwIfAborted();
  const spawned = spawnSupervisor(environment(options), options.logDir);
  const supervisor = new SupervisorProcess(spawned, options.onProgress?.bind(options));
  const aborted = new Promise<never>((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  try {
    const { addresses } = await Promise.race([supervisor.ready(), aborted]);
    return {
      addresses,
      kill: (service) => supervisor.kill(service),
      restarted: (service) => supervisor.restarted(service),
      close: () => supervisor.close(),
    };
  } catch (error) {
    await supervisor.close();
    throw error;
  }
}

function environment({ dataDir, logDir, env }: StartDevOptions): Environment {
  return {
    ...loadEnvironment(),
    DEV_SEED: 'true',
    ...env,
    DEV_DATA_DIR: dataDir,
    DEV_LOG_DIR: logDir,
    DEV_PORTS: 'free',
  };
}
