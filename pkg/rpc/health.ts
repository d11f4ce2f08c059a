import type { Server, ServerWritableStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { every } from '../runtime/wait.js';
import { shuttingDown } from './admission.js';
import { toServiceError } from './error-details.js';

/** Whether a process can do useful work now, such as reach its database. */
export type Readiness = () => Promise<boolean>;

/** Health name that is SERVING as long as the process answers, whatever its database does. */
export const livenessService = 'liveness';

export interface Health {
  readonly serving: boolean;
  /** Serves `grpc.health.v1.Health` on a server; the same on each. */
  addTo(server: Server): void;
  /** For good: every service becomes NOT_SERVING, whatever readiness says. */
  retire(): Promise<void>;
  /** Ends the Watch calls under way, which would otherwise hold up a shutdown. */
  endWatches(): void;
}

export interface HealthOptions {
  readonly services: readonly string[];
  readonly readiness: Readiness;
  readonly onChange: (serving: boolean) => void;
  /** Time between two looks, milliseconds. */
  readonly intervalMs?: number;
}

/**
 * Keeps the health of a process as a whole (empty name) and of each of its services: NOT_SERVING until
 * readiness first says yes, then following it.
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
  const watch = every(
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
      const stopped = watch.close();
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

/** Registers the health service, and notes its Watch calls, which it never ends itself. */
function addToServer(health: HealthImplementation, server: Server, watches: Set<Watch>): void {
  health.addToServer({
    addService: (definition, { watch, ...others }) => {
      const endable = (call: Watch): void => {
        watches.add(call);
        call.once('cancelled', () => watches.delete(call));
        (watch as (call: Watch) => void)(call);
      };
      server.addService(definition, { ...others, watch: endable } as UntypedServiceImplementation);
    },
  });
}
