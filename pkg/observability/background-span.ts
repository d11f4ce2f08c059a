import {
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';

export interface BackgroundSpan {
  /** Such as `order.recover`. */
  readonly name: string;
  readonly attributes: Attributes;
  /** What it goes on with, if that is known. */
  readonly link?: SpanContext | undefined;
  /** When the work began, if before this call. */
  readonly startTime?: number;
}

/** Runs work that nobody called for in a trace of its own. Its span ends with it, as an error if it fails. */
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
