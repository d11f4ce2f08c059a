import { context, propagation, ROOT_CONTEXT, trace, type SpanContext } from '@opentelemetry/api';

/** Trace id of the work at hand, empty outside a trace. */
export function currentTraceId(): string {
  return trace.getSpanContext(context.active())?.traceId ?? '';
}

/** The span at hand as a W3C traceparent, empty outside a trace. */
export function currentTraceparent(): string {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent ?? '';
}

/** Undefined for an empty or unreadable traceparent. */
export function spanContextOf(traceparent: string): SpanContext | undefined {
  return trace.getSpanContext(propagation.extract(ROOT_CONTEXT, { traceparent }));
}
