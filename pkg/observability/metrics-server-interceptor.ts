import type { ServerInterceptor } from '@grpc/grpc-js';
import { callContext } from './call-record.js';
import { methodName, statusName } from './method-name.js';
import type { Metrics } from './metrics.js';
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

export interface MetricsInterceptorDeps {
  /** Value of the label `service`: the process. */
  readonly service: string;
  readonly metrics: Metrics;
}
