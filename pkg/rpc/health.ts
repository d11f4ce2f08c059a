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
 * Serves `grpc.health.v1.Health` for the server as a whole (empty name) and each of its services:
 * NOT_SERVING until readiness first says yes, then following it.
 */
export function serveHealth(server: Server, options: HealthOptions): Health {
  const names = ['', ...options.services];
  const health = new HealthImplementation({
    ...Object.fromEntries(names.map((name) => [name, 'NOT_SERVING' as const])),
    [livenessService]: 'SERVING',
  });
  const endWatches = addToServer(health, server);
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
    retire: async () => {
      const stopped = watch.close();
      set(false);
      await stopped;
      set(false);
    },
    endWatches,
  };
}

type Watch = ServerWritableStream<unknown, unknown>;

/** Registers the health service; returns a function that ends its Watch calls, which it never does itself. */
function addToServer(health: HealthImplementation, server: Server): () => void {
  const watches = new Set<Watch>();
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
  return () => {
    for (const call of watches) call.emit('error', toServiceError(shuttingDown()));
  };
}
