import { context } from '@opentelemetry/api';
import { InterceptingCall, status, type Interceptor } from '@grpc/grpc-js';
import type { Logger } from './logger.js';
import { methodName, statusName } from './method-name.js';

/** Logs calls to other services: at debug when they succeed, at warn when they fail for want of an answer. */
export function loggingClientInterceptor(deps: {
  readonly logger: Logger;
  readonly target: string;
}): Interceptor {
  const { logger, target } = deps;
  return (options, nextCall) => {
    const started = performance.now();
    // Answers arrive wherever the connection was opened; the span of this call is active here.
    const caller = context.active();
    return new InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) =>
        next(metadata, {
          onReceiveStatus: (final, pass) => {
            const level = unanswered.has(final.code) ? 'warn' : 'debug';
            if (logger.isLevelEnabled(level)) {
              const fields = {
                method: methodName(options.method_definition.path),
                target,
                status: statusName(final.code),
                duration_ms: Math.round((performance.now() - started) * 100) / 100,
                // Why nobody answered, such as a certificate that is not trusted.
                ...(level === 'warn' ? { details: final.details } : {}),
              };
              context.with(caller, () => logger[level](fields, 'call made'));
            }
            pass(final);
          },
        }),
    });
  };
}

const unanswered = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.INTERNAL, status.UNKNOWN]);
