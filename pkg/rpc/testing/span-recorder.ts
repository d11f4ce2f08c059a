import { trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node';
import { waitFor } from './wait-for.js';

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
// The first provider of a process counts, and test files are loaded before any server starts.
provider.register();

/** The finished spans of one trace, once `count` of them are there. */
export async function spansOf(traceId: string, count: number): Promise<ReadableSpan[]> {
  const found = (): ReadableSpan[] =>
    exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
  await waitFor(() => found().length >= count, `${count} spans of trace ${traceId}`);
  return found();
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
