import { context, trace } from '@opentelemetry/api';

/** Trace id of the work at hand, empty outside a trace. */
export function currentTraceId(): string {
  return trace.getSpanContext(context.active())?.traceId ?? '';
}
