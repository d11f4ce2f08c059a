import { context, isSpanContextValid, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import {
  Metadata,
  ServerInterceptingCall,
  ServerListenerBuilder,
  type ServerInterceptor,
} from '@grpc/grpc-js';

/** Response header with the trace id of the call. */
export const traceIdHeader = 'x-trace-id';

/**
 * Sends the trace id in the response header {@link traceIdHeader}. The id comes from the active span or, when
 * headers are sent outside of the server span, from the caller's `traceparent`.
 */
export function traceIdServerInterceptor(): ServerInterceptor {
  return (_definition, call) => {
    let received: Metadata | undefined;
    let headersSent = false;
    const header = (metadata: Metadata): Metadata => {
      headersSent = true;
      const id = activeTraceId() ?? remoteTraceId(received);
      if (id !== undefined) metadata.set(traceIdHeader, id);
      return metadata;
    };
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        received = metadata;
        next(metadata);
      })
      .build();
    return new ServerInterceptingCall(call, {
      start: (next) => next(listener),
      sendMetadata: (metadata, next) => next(header(metadata)),
      sendStatus: (final, next) => {
        if (!headersSent) final.metadata = header(final.metadata ?? new Metadata());
        next(final);
      },
    });
  };
}

function activeTraceId(): string | undefined {
  const span = trace.getSpanContext(context.active());
  return span && isSpanContextValid(span) ? span.traceId : undefined;
}

function remoteTraceId(metadata: Metadata | undefined): string | undefined {
  if (!metadata) return undefined;
  const extracted = propagation.extract(ROOT_CONTEXT, metadata, {
    get: (carrier, key) => carrier.get(key).map(String),
    keys: (carrier) => Object.keys(carrier.getMap()),
  });
  return trace.getSpanContext(extracted)?.traceId;
}
