import { context } from '@opentelemetry/api';
import { ServerInterceptingCall, ServerListenerBuilder, status, type ServerInterceptor } from '@grpc/grpc-js';
import { withCallRecord, type CallRecord } from './call-record.js';
import type { Logger } from './logger.js';
import { methodName } from './method-name.js';
import { observeServerCall } from './server-call.js';

/** Statuses that mean that this service, not its caller, has a problem. */
const serverFaults = new Set([status.UNKNOWN, status.INTERNAL, status.DATA_LOSS]);

/** Methods called all the time by machines; logged at debug. */
const quietMethods = /^grpc\.(health|reflection)\./;

/** Logs one line a call, when it ends, with whatever the handler has annotated. Never logs messages. */
export function loggingServerInterceptor({ logger }: { readonly logger: Logger }): ServerInterceptor {
  return (definition, call) => {
    const method = methodName(definition.path);
    const started = performance.now();
    const record: CallRecord = { fields: {} };
    const observed = observeServerCall(call, ({ code, details }) => {
      const level = serverFaults.has(code) ? 'error' : quietMethods.test(method) ? 'debug' : 'info';
      if (!logger.isLevelEnabled(level)) return;
      const fields = {
        method,
        status: status[code],
        duration_ms: Math.round((performance.now() - started) * 100) / 100,
        ...record.fields,
        ...(code === status.OK ? {} : { details }),
      };
      context.with(record.context ?? context.active(), () => logger[level](fields, 'call served'));
    });
    return new ServerInterceptingCall(observed, { start: (next) => next(recordingListener(record)) });
  };
}

/** Handlers start inside one of these events, so what they annotate lands in `record`. */
function recordingListener(record: CallRecord) {
  return new ServerListenerBuilder()
    .withOnReceiveMetadata((metadata, next) => withCallRecord(record, () => next(metadata)))
    .withOnReceiveHalfClose((next) => withCallRecord(record, next))
    .build();
}
