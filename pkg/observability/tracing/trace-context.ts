import { context, propagation, ROOT_CONTEXT, trace, type SpanContext } from '@opentelemetry/api';

/** Returns the trace id of the active span, or an empty string outside of a span. */
export function currentTraceId(): string {
  return trace.getSpanContext(context.active())?.traceId ?? '';
}

/** Returns the active span as a W3C `traceparent`, or an empty string outside of a span. */
export function currentTraceparent(): string {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent ?? '';
}

/** Parses a W3C `traceparent`; returns undefined for an empty or malformed text. */
export function spanContextOf(traceparent: string): SpanContext | undefined {
  return trace.getSpanContext(propagation.extract(ROOT_CONTEXT, { traceparent }));
}
