import { InterceptingCall, status, type Interceptor } from '@grpc/grpc-js';
import { methodName } from './method-name.js';
import type { MetricsInterceptorDeps } from './metrics-server-interceptor.js';

/** Counts and times every call of a client to `target`, on all four kinds. */
export function metricsClientInterceptor(
  deps: MetricsInterceptorDeps & { readonly target: string },
): Interceptor {
  const { service, target, metrics } = deps;
  return (options, nextCall) => {
    const method = methodName(options.method_definition.path);
    return new InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) => {
        const stop = metrics.clientRequestDuration.startTimer({ service, target, method });
        next(metadata, {
          onReceiveStatus: (final, pass) => {
            stop();
            metrics.clientRequestsTotal.inc({ service, target, method, status: status[final.code] });
            pass(final);
          },
        });
      },
    });
  };
}
