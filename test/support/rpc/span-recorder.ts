import { trace } from '@opentelemetry/api';
import {
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-node';
import { callSpanProcessor } from '../../../pkg/observability/tracing/call-span-processor.js';
import { waitFor } from '../wait-for.js';

/** Maximum number of kept spans; limits the memory use of a long test run. */
const limit = 20_000;

const finished: ReadableSpan[] = [];

const exporter: SpanExporter = {
  export: (spans, done) => {
    finished.push(...spans);
    if (finished.length > limit) finished.splice(0, limit / 2);
    done({ code: 0 });
  },
  shutdown: async () => undefined,
};

const provider = new NodeTracerProvider({
  spanProcessors: [callSpanProcessor(), new SimpleSpanProcessor(exporter)],
});
// OpenTelemetry ignores every provider after the first. The provider of this module is the first, because mocha loads
// the test files before any server starts.
provider.register();

/** Waits for `count` finished spans of one trace and returns all finished spans of the trace. */
export async function spansOf(traceId: string, count: number): Promise<ReadableSpan[]> {
  const found = (): ReadableSpan[] => finished.filter((span) => span.spanContext().traceId === traceId);
  await waitFor(() => found().length >= count, `${count} spans of trace ${traceId}`);
  return found();
}

/** The latest finished spans of all traces. */
export function recentSpans(): readonly ReadableSpan[] {
  return finished;
}

/** Runs `work` inside a new span. Returns the trace id of the span and the result of `work`. */
export async function inTrace<T>(work: () => Promise<T>): Promise<{ traceId: string; result: T }> {
  return trace.getTracer('tests').startActiveSpan('test', async (span) => {
    try {
      return { traceId: span.spanContext().traceId, result: await work() };
    } finally {
      span.end();
    }
  });
}
