import { callSpan } from '../call-record.js';
import type { OnClientCallEnd } from '../client-call.js';
import { methodName, statusName } from '../method-name.js';
import type { OnEnd } from '../server-call.js';
import { objectiveFaults, type Metrics } from './metrics.js';

export interface CallMetricsDeps {
  /** Value of the label `service`. */
  readonly service: string;
  readonly metrics: Metrics;
}

/** Returns the function that counts and times the ended server calls of one method. */
export function serverCallMetrics({ service, metrics }: CallMetricsDeps, method: string): OnEnd {
  const labels = { service, method };
  return ({ code, seconds, record }) => {
    metrics.requestDuration.observe(labels, seconds, callSpan(record));
    metrics.requestsTotal.inc({ service, method, status: statusName(code) });
  };
}

/** Returns the function that counts and times the ended calls of one method of the service `target`. */
export function clientCallMetrics(
  { service, target, metrics }: CallMetricsDeps & { readonly target: string },
  method: string,
): OnClientCallEnd {
  const labels = { service, target, method };
  return ({ code, seconds, span }) => {
    metrics.clientRequestDuration.observe(labels, seconds, span);
    metrics.clientRequestsTotal.inc({ service, target, method, status: statusName(code) });
  };
}

/**
 * Creates the series of `requests_total` at zero, for OK and for each status in {@link objectiveFaults}.
 * The PromQL function `increase` ignores the first value of a series, so it would miss the first failure of a new
 * process.
 */
export function initCallMetrics({ service, metrics }: CallMetricsDeps, paths: readonly string[]): void {
  for (const path of paths)
    for (const status of ['OK', ...objectiveFaults])
      metrics.requestsTotal.inc({ service, method: methodName(path), status }, 0);
}
