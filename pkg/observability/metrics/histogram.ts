import { trace, TraceFlags, type Span } from '@opentelemetry/api';
import { Histogram, type Registry } from 'prom-client';

/** Bucket bounds in seconds for calls within one data center. */
export const latencyBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** A histogram of seconds whose buckets carry trace ids as exemplars. */
export interface TracedHistogram<L extends string> {
  /** If `span` (default: the active span) is sampled, the span becomes the exemplar. */
  observe(labels: Readonly<Record<L, string>>, seconds: number, span?: Span): void;
  /** Creates a series at zero, so that the PromQL function `increase` counts the first observation. */
  zero(labels: Readonly<Record<L, string>>): void;
}

export interface HistogramOptions<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly L[];
  /** Upper bounds in seconds; default {@link latencyBuckets}. */
  readonly buckets?: readonly number[];
}

/**
 * Registers a histogram whose exemplars have the labels `trace_id` and `span_id`. The Prometheus text format omits
 * exemplars.
 */
export function tracedHistogram<L extends string>(
  registry: Registry,
  { name, help, labelNames, buckets = latencyBuckets }: HistogramOptions<L>,
): TracedHistogram<L> {
  const histogram = new Histogram<string>({
    name,
    help,
    labelNames: [...labelNames],
    buckets: [...buckets],
    enableExemplars: true,
    registers: [],
  });
  // A histogram with exemplars cannot be registered in its constructor, which rejects a registry in Prometheus format.
  registry.registerMetric(histogram);
  return {
    observe: (labels, value, span = trace.getActiveSpan()) =>
      histogram.observe({ labels, value, exemplarLabels: exemplarOf(span) }),
    zero: (labels) => histogram.zero(labels),
  };
}

const noExemplar = {};

/** Only sampled spans reach a tracing backend, so an unsampled span is no exemplar. */
function exemplarOf(span: Span | undefined): Readonly<Record<string, string>> {
  const ids = span?.spanContext();
  if (!ids || (ids.traceFlags & TraceFlags.SAMPLED) === 0) return noExemplar;
  return { trace_id: ids.traceId, span_id: ids.spanId };
}
