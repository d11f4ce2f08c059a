import { context } from '@opentelemetry/api';
import { InterceptingCall, type Interceptor, type ServerInterceptor } from '@grpc/grpc-js';
import { callContext } from '../call-record.js';
import { methodName, statusName } from '../method-name.js';
import { observeServerCall } from '../server-call.js';
import { objectiveFaults, type Metrics } from './metrics.js';

export interface MetricsInterceptorDeps {
  /** Value of the label `service`. */
  readonly service: string;
  readonly metrics: Metrics;
}

/** Counts and times unary and streaming server calls. */
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
 * Creates the series of `requests_total` at zero, for OK and for each status in {@link objectiveFaults}.
 * The PromQL function `increase` ignores the first value of a series, so it would miss the first failure of a new
 * process.
 */
export function initCallMetrics(
  { service, metrics }: MetricsInterceptorDeps,
  paths: readonly string[],
): void {
  for (const path of paths)
    for (const status of ['OK', ...objectiveFaults])
      metrics.requestsTotal.inc({ service, method: methodName(path), status }, 0);
}

/** Counts and times unary and streaming client calls to `target`. */
export function metricsClientInterceptor(
  deps: MetricsInterceptorDeps & { readonly target: string },
): Interceptor {
  const { service, target, metrics } = deps;
  return (options, nextCall) => {
    const method = methodName(options.method_definition.path);
    // The status arrives in the context of the connection, in which the span of this call is not active.
    const callerContext = context.active();
    return new InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) => {
        const started = performance.now();
        next(metadata, {
          onReceiveStatus: (final, pass) => {
            const seconds = (performance.now() - started) / 1000;
            metrics.clientRequestDuration.observe({ service, target, method }, seconds, callerContext);
            metrics.clientRequestsTotal.inc({ service, target, method, status: statusName(final.code) });
            pass(final);
          },
        });
      },
    });
  };
}
