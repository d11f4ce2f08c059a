import {
  context,
  isSpanContextValid,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import { ATTR_DB_OPERATION_BATCH_SIZE } from '@opentelemetry/semantic-conventions';

/**
 * Runs `work` for a batch of calls, whose contexts are `callers`. Each sampled call has a span `BATCH <operation>` in its
 * trace. The spans of `work` are in the trace of the first sampled call; the spans of the other calls link to it. For a
 * single call, `work` runs in the context of the call without another span.
 */
export function inBatchSpans<T>(
  operation: string,
  callers: readonly Context[],
  work: () => Promise<T>,
): Promise<T> {
  const [single] = callers;
  if (single && callers.length === 1) return context.with(single, work);
  const [first, ...others] = callers.filter(isSampled);
  if (!first) return context.with(single ?? context.active(), work);
  const start = (caller: Context, link?: SpanContext): Span =>
    trace.getTracer('batch').startSpan(
      `BATCH ${operation}`,
      {
        attributes: { [ATTR_DB_OPERATION_BATCH_SIZE]: callers.length },
        links: link ? [{ context: link }] : [],
      },
      caller,
    );
  const lead = start(first);
  const spans = [lead, ...others.map((caller) => start(caller, lead.spanContext()))];
  return endWith(spans, () => context.with(trace.setSpan(first, lead), work));
}

async function endWith<T>(spans: readonly Span[], work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    for (const span of spans) {
      span.recordException(error instanceof Error ? error : String(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    throw error;
  } finally {
    for (const span of spans) span.end();
  }
}

function isSampled(caller: Context): boolean {
  const span = trace.getSpanContext(caller);
  return span !== undefined && isSpanContextValid(span) && (span.traceFlags & TraceFlags.SAMPLED) !== 0;
}
