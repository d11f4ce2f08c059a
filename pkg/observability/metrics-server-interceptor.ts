import { status, type ServerInterceptor } from '@grpc/grpc-js';
import { methodName } from './method-name.js';
import type { Metrics } from './metrics.js';
import { observeServerCall } from './server-call.js';

/** Counts and times every call of a server, on all four kinds, with its final status. */
export function metricsServerInterceptor({ service, metrics }: MetricsInterceptorDeps): ServerInterceptor {
  return (definition, call) => {
    const method = methodName(definition.path);
    const stop = metrics.requestDuration.startTimer({ service, method });
    return observeServerCall(call, ({ code }) => {
      stop();
      metrics.requestsTotal.inc({ service, method, status: status[code] });
    });
  };
}

export interface MetricsInterceptorDeps {
  /** Value of the label `service`: the process. */
  readonly service: string;
  readonly metrics: Metrics;
}
