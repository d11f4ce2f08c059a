import { context } from '@opentelemetry/api';
import { InterceptingCall, status, type Interceptor, type ServerInterceptor } from '@grpc/grpc-js';
import { callContext, type CallRecord } from '../call-record.js';
import { callSite } from '../call-site.js';
import { methodName, statusName } from '../method-name.js';
import { observeServerCall } from '../server-call.js';
import type { Logger } from './logger.js';

/** Statuses of server calls that failed because of an error of this service. */
const serverFaults = new Set([status.UNKNOWN, status.INTERNAL, status.DATA_LOSS]);

/** Statuses of server calls that have no result because of an outage, a shutdown or a deadline. */
const unserved = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED]);

/** Statuses of client calls whose outcome is in doubt: the called service gave no definite answer. */
const unanswered = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.INTERNAL, status.UNKNOWN]);

/** Calls of these methods are frequent and are logged at debug. */
const probeMethods = /^grpc\.(health|reflection)\./;

/**
 * Value of `caller` in every line `call served`. The value is computed once, because its computation takes as long as
 * all other work for a log line.
 */
const caller = callSite();

/**
 * Logs `call served` at the end of each call, with the fields of `annotateCall` and the error of `recordFailure`.
 * Requests and responses are never logged.
 */
export function loggingServerInterceptor({ logger }: { readonly logger: Logger }): ServerInterceptor {
  return (definition, call) => {
    const method = methodName(definition.path);
    return observeServerCall(call, ({ code, details, seconds, record }) => {
      const level = serverLevel(method, code, record);
      if (!logger.isLevelEnabled(level)) return;
      const fields = {
        caller,
        method,
        status: statusName(code),
        duration_ms: roundToHundredths(seconds * 1000),
        ...record.fields,
        ...(code === status.OK ? {} : { details }),
        ...(record.failure === undefined ? {} : { err: record.failure }),
      };
      context.with(callContext(record), () => logger[level](fields, 'call served'));
    });
  };
}

function serverLevel(
  method: string,
  code: status,
  { failure }: CallRecord,
): 'debug' | 'info' | 'warn' | 'error' {
  if (failure !== undefined || serverFaults.has(code)) return 'error';
  if (probeMethods.test(method)) return 'debug';
  return unserved.has(code) ? 'warn' : 'info';
}

/** Logs `call made` at the end of each call to `target`, at warn if the outcome is in doubt, else at debug. */
export function loggingClientInterceptor(deps: {
  readonly logger: Logger;
  readonly target: string;
}): Interceptor {
  const { logger, target } = deps;
  return (options, nextCall) => {
    const started = performance.now();
    // The status arrives in the context of the connection, in which the span of this call is not active.
    const callerContext = context.active();
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
                duration_ms: roundToHundredths(performance.now() - started),
                // The details name the cause, such as an untrusted certificate.
                ...(level === 'warn' ? { details: final.details } : {}),
              };
              context.with(callerContext, () => logger[level](fields, 'call made'));
            }
            pass(final);
          },
        }),
    });
  };
}

function roundToHundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
