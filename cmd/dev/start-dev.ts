import { loadEnvironment, type Environment } from '../../pkg/config/index.js';
import { spawnSupervisor, SupervisorClient } from './supervisor/client.js';
import type { Addresses, ServiceName } from './supervisor/protocol.js';

export type { Addresses, ServiceName } from './supervisor/protocol.js';

export interface StartDevOptions {
  /** Directory of the databases, created when missing. Only one supervisor at a time can use it. */
  readonly dataDir: string;
  /** Directory of the log files, created when missing. */
  readonly logDir: string;
  /** Environment variables that override the variables of this process. */
  readonly env?: Environment;
  /** Aborts the start. */
  readonly signal?: AbortSignal;
  onProgress?(message: string): void;
}

/** Controls PostgreSQL and the services. Their supervisor stops when this process ends. */
export interface DevHandle {
  readonly addresses: Addresses;
  /** Kills the service with SIGKILL and resolves with its pid after the exit. The supervisor restarts the service. */
  kill(service: ServiceName): Promise<number>;
  /** Resolves when the service is ready again after a kill, or at once when the service was not killed. */
  restarted(service: ServiceName): Promise<void>;
  /** Stops every process and waits for its exit. */
  close(): Promise<void>;
}

/**
 * Starts PostgreSQL and the four services on free ports and loads the demo data. The started processes
 * stop when this process ends, even when it is killed with SIGKILL.
 *
 * @throws DevError when the start fails, or the abort reason of `signal`
 */
export async function startDev(options: StartDevOptions): Promise<DevHandle> {
  const { signal } = options;
  signal?.throwIfAborted();
  const spawned = spawnSupervisor(environment(options), options.logDir);
  const supervisor = new SupervisorClient(spawned, options.onProgress?.bind(options));
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
