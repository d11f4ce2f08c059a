import { isBatchMethod } from '../batch/batch-methods.js';
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

/** Returns the function that counts and times the ended server calls of one method. A batch call is only counted. */
export function serverCallMetrics({ service, metrics }: CallMetricsDeps, method: string): OnEnd {
  const labels = { service, method };
  const isBatch = isBatchMethod(method);
  const total = servedCalls(metrics, method);
  return ({ code, seconds, record }) => {
    if (!isBatch) metrics.requestDuration.observe(labels, seconds, callSpan(record));
    total.inc({ service, method, status: statusName(code) });
  };
}

/** Returns the counter of the served calls of a method: batch calls are counted apart. */
export function servedCalls(metrics: Metrics, method: string): Metrics['requestsTotal'] {
  return isBatchMethod(method) ? metrics.batchCallsTotal : metrics.requestsTotal;
}

/**
 * Returns the function that counts and times the ended calls of one method of the service `target`. A batch call is not
 * counted, because its items are.
 */
export function clientCallMetrics(
  { service, target, metrics }: CallMetricsDeps & { readonly target: string },
  method: string,
): OnClientCallEnd {
  if (isBatchMethod(method)) return () => undefined;
  const labels = { service, target, method };
  return ({ code, seconds, span }) => {
    metrics.clientRequestDuration.observe(labels, seconds, span);
    metrics.clientRequestsTotal.inc({ service, target, method, status: statusName(code) });
  };
}

/**
 * Creates the series of the served calls at zero, for OK and for each status in {@link objectiveFaults}.
 * The PromQL function `increase` ignores the first value of a series, so it would miss the first failure of a new
 * process.
 */
export function initCallMetrics({ service, metrics }: CallMetricsDeps, paths: readonly string[]): void {
  for (const path of paths)
    for (const status of ['OK', ...objectiveFaults])
      servedCalls(metrics, path).inc({ service, method: methodName(path), status }, 0);
}
