import { context } from '@opentelemetry/api';
import { status, type ServerInterceptor } from '@grpc/grpc-js';
import { callContext, type CallRecord } from './call-record.js';
import { callSite } from './call-site.js';
import type { Logger } from './logger.js';
import { methodName, statusName } from './method-name.js';
import { observeServerCall } from './server-call.js';

/** Statuses that mean that this service, not its caller, has a problem. */
const serverFaults = new Set([status.UNKNOWN, status.INTERNAL, status.DATA_LOSS]);

/** Statuses of calls that were not served, though nothing here is known to have failed. */
const unserved = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED]);

/** Methods called all the time by machines; logged at debug. */
const quietMethods = /^grpc\.(health|reflection)\./;

/** Looked up once: doing so costs as much as the rest of a line. */
const caller = callSite();

/**
 * Logs one line a call, when it ends, with whatever the handler has annotated and, when the failure is
 * ours, with the error. Never logs messages.
 */
export function loggingServerInterceptor({ logger }: { readonly logger: Logger }): ServerInterceptor {
  return (definition, call) => {
    const method = methodName(definition.path);
    return observeServerCall(call, ({ code, details, seconds, record }) => {
      const level = levelOf(method, code, record);
      if (!logger.isLevelEnabled(level)) return;
      const fields = {
        caller,
        method,
        status: statusName(code),
        duration_ms: Math.round(seconds * 100_000) / 100,
        ...record.fields,
        ...(code === status.OK ? {} : { details }),
        ...(record.failure === undefined ? {} : { err: record.failure }),
      };
      context.with(callContext(record), () => logger[level](fields, 'call served'));
    });
  };
}

function levelOf(method: string, code: status, { failure }: CallRecord): 'debug' | 'info' | 'warn' | 'error' {
  if (failure !== undefined || serverFaults.has(code)) return 'error';
  if (quietMethods.test(method)) return 'debug';
  return unserved.has(code) ? 'warn' : 'info';
}
