import type { ServerInterceptor } from '@grpc/grpc-js';
import { callContext } from './call-record.js';
import { methodName, statusName } from './method-name.js';
import type { Metrics } from './metrics.js';
import { objectiveFaults } from './objective-faults.js';
import { observeServerCall } from './server-call.js';

/** Counts and times every call of a server, on all four kinds, with its final status. */
export function metricsServerInterceptor({ service, metrics }: MetricsInterceptorDeps): ServerInterceptor {
  return (definition, call) => {
    const method = methodName(definition.path);
    return observeServerCall(call, ({ code, seconds, record }) => {
      metrics.requestDuration.observe({ service, method }, seconds, callContext(record));
      metrics.requestsTotal.inc({ service, method, status: statusName(code) });
    });
  };
}

/**
 * Shows zero for the calls that a server is going to serve, by success and by what counts against the objectives.
 * Prometheus cannot tell the first value of a series from an old one: without a zero before it, `increase` would
 * miss the first failures of a new process.
 */
export function expectCalls({ service, metrics }: MetricsInterceptorDeps, paths: readonly string[]): void {
  for (const path of paths)
    for (const status of ['OK', ...objectiveFaults])
      metrics.requestsTotal.inc({ service, method: methodName(path), status }, 0);
}

export interface MetricsInterceptorDeps {
  /** Value of the label `service`: the process. */
  readonly service: string;
  readonly metrics: Metrics;
}
