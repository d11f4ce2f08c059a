import {
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  trace,
  type SpanContext,
  type TextMapGetter,
} from '@opentelemetry/api';
import type { Metadata } from '@grpc/grpc-js';

/** Response header with the trace id of the call. */
export const traceIdHeader = 'x-trace-id';

/**
 * Adds {@link traceIdHeader} to the headers, or to the trailers of a response without headers. The id comes from the
 * active span or, when they are sent outside of the server span, from the caller's `traceparent` in `received`.
 */
export function addTraceId(headers: Metadata, received: Metadata | undefined): void {
  const span = trace.getActiveSpan()?.spanContext();
  const id = span && isSpanContextValid(span) ? span.traceId : remoteSpan(received)?.traceId;
  if (id !== undefined) headers.set(traceIdHeader, id);
}

const receivedHeaders: TextMapGetter<Metadata> = {
  get: (metadata, name) => metadata.get(name).map(String),
  keys: (metadata) => Object.keys(metadata.getMap()),
};

function remoteSpan(received: Metadata | undefined): SpanContext | undefined {
  return received && trace.getSpanContext(propagation.extract(ROOT_CONTEXT, received, receivedHeaders));
}
