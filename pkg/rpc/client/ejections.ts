import { Counter, type Registry } from 'prom-client';
import type { Telemetry } from '../../observability/index.js';

const name = 'client_address_ejections_total';

/** Returns a function that counts and logs an ejected address of the service `target`. */
export function ejectionRecorder(
  { metrics, service, logger }: Pick<Telemetry, 'metrics' | 'service' | 'logger'>,
  target: string,
): (address: string) => void {
  const counter = ejectionCounter(metrics.registry);
  // rate() misses the first increase of a series that does not start at zero.
  counter.inc({ service, target }, 0);
  return (address) => {
    counter.inc({ service, target });
    logger.warn({ target, address }, 'address ejected');
  };
}

/** All clients of a process share one counter. */
function ejectionCounter(registry: Registry): Counter<'service' | 'target'> {
  const existing = registry.getSingleMetric(name) as Counter<'service' | 'target'> | undefined;
  return (
    existing ??
    new Counter({
      name,
      help: 'Addresses of another service that outlier detection has left out, because they did not answer.',
      labelNames: ['service', 'target'] as const,
      registers: [registry],
    })
  );
}
