import type { Server, ServerWritableStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { every } from '../../runtime/index.js';
import { shuttingDown } from './admission.js';
import { toServiceError } from '../errors/error-details.js';

/** Returns whether the process can serve calls, for example whether its database is reachable. */
export type Readiness = () => Promise<boolean>;

/** Service name for liveness checks; its status is SERVING in a running process, independent of readiness. */
export const livenessService = 'liveness';

export interface Health {
  readonly serving: boolean;
  /** Registers `grpc.health.v1.Health` on a server and returns the paths of its methods. */
  addTo(server: Server): readonly string[];
  /** Sets every service except {@link livenessService} to NOT_SERVING permanently, and stops the readiness checks. */
  retire(): Promise<void>;
  /** Ends the Watch calls in progress, which would otherwise delay the shutdown. */
  endWatches(): void;
}

export interface HealthOptions {
  readonly services: readonly string[];
  readonly readiness: Readiness;
  readonly onChange: (serving: boolean) => void;
  /** Interval of the readiness checks. */
  readonly intervalMs?: number;
}

/**
 * Updates the health status of the process (empty service name) and of its services. The status is NOT_SERVING until
 * the first successful readiness check and then follows the latest check.
 */
export function watchHealth(options: HealthOptions): Health {
  const names = ['', ...options.services];
  const health = new HealthImplementation({
    ...Object.fromEntries(names.map((name) => [name, 'NOT_SERVING' as const])),
    [livenessService]: 'SERVING',
  });
  const watches = new Set<Watch>();
  const state = { serving: false };
  const set = (serving: boolean): void => {
    if (state.serving === serving) return;
    state.serving = serving;
    for (const name of names) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
    options.onChange(serving);
  };
  const readinessChecks = every(
    options.intervalMs ?? 500,
    async (signal) => {
      const ready = await options.readiness().catch(() => false);
      if (!signal.aborted) set(ready);
    },
    () => set(false),
  );
  return {
    get serving() {
      return state.serving;
    },
    addTo: (server) => addToServer(health, server, watches),
    retire: async () => {
      const stopped = readinessChecks.close();
      set(false);
      await stopped;
      set(false);
    },
    endWatches: () => {
      for (const call of watches) call.emit('error', toServiceError(shuttingDown()));
    },
  };
}

type Watch = ServerWritableStream<unknown, unknown>;

/** Registers the health service and records its Watch calls, because grpc-health-check never ends these calls. */
function addToServer(health: HealthImplementation, server: Server, watches: Set<Watch>): readonly string[] {
  const paths: string[] = [];
  health.addToServer({
    addService: (definition, { watch, ...others }) => {
      const recordedWatch = (call: Watch): void => {
        watches.add(call);
        call.once('cancelled', () => watches.delete(call));
        (watch as (call: Watch) => void)(call);
      };
      server.addService(definition, { ...others, watch: recordedWatch } as UntypedServiceImplementation);
      paths.push(...Object.values(definition).map(({ path }) => path));
    },
  });
  return paths;
}
