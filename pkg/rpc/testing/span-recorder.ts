import { trace } from '@opentelemetry/api';
import {
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-node';
import { callSpanProcessor } from '../../observability/call-span-processor.js';
import { waitFor } from './wait-for.js';

/** Enough for what a test asks of the spans before it; all those of a whole run would fill memory. */
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
// The first provider of a process counts, and test files are loaded before any server starts.
provider.register();

/** The finished spans of one trace, once `count` of them are there. */
export async function spansOf(traceId: string, count: number): Promise<ReadableSpan[]> {
  const found = (): ReadableSpan[] => finished.filter((span) => span.spanContext().traceId === traceId);
  await waitFor(() => found().length >= count, `${count} spans of trace ${traceId}`);
  return found();
}

/** The finished spans of every trace of late. */
export function recentSpans(): readonly ReadableSpan[] {
  return finished;
}

/** Runs `work` inside a span of its own and returns its trace id beside the result. */
export async function inTrace<T>(work: () => Promise<T>): Promise<{ traceId: string; result: T }> {
  return trace.getTracer('tests').startActiveSpan('test', async (span) => {
    try {
      return { traceId: span.spanContext().traceId, result: await work() };
    } finally {
      span.end();
    }
  });
}
