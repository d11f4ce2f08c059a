import { context } from '@opentelemetry/api';
import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { methodName, statusName } from './method-name.js';
import type { MetricsInterceptorDeps } from './metrics-server-interceptor.js';

/** Counts and times every call of a client to `target`, on all four kinds. */
export function metricsClientInterceptor(
  deps: MetricsInterceptorDeps & { readonly target: string },
): Interceptor {
  const { service, target, metrics } = deps;
  return (options, nextCall) => {
    const method = methodName(options.method_definition.path);
    // Answers arrive wherever the connection was opened; the span of this call is active here.
    const caller = context.active();
    return new InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) => {
        const started = performance.now();
        next(metadata, {
          onReceiveStatus: (final, pass) => {
            const seconds = (performance.now() - started) / 1000;
            metrics.clientRequestDuration.observe({ service, target, method }, seconds, caller);
            metrics.clientRequestsTotal.inc({ service, target, method, status: statusName(final.code) });
            pass(final);
          },
        });
      },
    });
  };
}
