import {
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';

export interface BackgroundSpan {
  /** Span name, such as `order.recover`. */
  readonly name: string;
  readonly attributes: Attributes;
  /** Link to the span of the call that started the work. */
  readonly link?: SpanContext | undefined;
  /** Start of the work in milliseconds since the epoch; default: the current time. */
  readonly startTime?: number;
}

/** Runs `work` in a span of a new trace. If `work` throws, the status of the span is error, and the exception is rethrown. */
export function inBackgroundSpan<T>(
  { name, attributes, link, startTime }: BackgroundSpan,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const links = link ? [{ context: link }] : [];
  const options = { attributes, links, root: true, ...(startTime === undefined ? {} : { startTime }) };
  return trace.getTracer('background').startActiveSpan(name, options, ROOT_CONTEXT, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.recordException(error instanceof Error ? error : String(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}
