import { context, trace, TraceFlags, type Context } from '@opentelemetry/api';
import { Histogram, type Registry } from 'prom-client';

/** Buckets in seconds for calls inside one machine room: from half a millisecond to ten seconds. */
export const latencyBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** A histogram of seconds whose buckets lead to traces. */
export interface TracedHistogram<L extends string> {
  /** With the span of `at`, the active context unless given, as exemplar if it is recorded. */
  observe(labels: Readonly<Record<L, string>>, seconds: number, at?: Context): void;
  /** Shows a series before it has anything to show, so that its first increase is seen. */
  zero(labels: Readonly<Record<L, string>>): void;
}

export interface HistogramOptions<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly L[];
  /** Default: {@link latencyBuckets}. */
  readonly buckets?: readonly number[];
}

/** Adds a histogram with exemplars `trace_id` and `span_id`, which show in the OpenMetrics format only. */
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
  // Its constructor takes exemplars to be of no use to a registry of the classic format.
  registry.registerMetric(histogram);
  return {
    observe: (labels, value, at = context.active()) =>
      histogram.observe({ labels, value, exemplarLabels: exemplarOf(at) }),
    zero: (labels) => histogram.zero(labels),
  };
}

const noExemplar = {};

/** Only of recorded spans: the others lead nowhere. */
function exemplarOf(at: Context): Readonly<Record<string, string>> {
  const span = trace.getSpanContext(at);
  if (!span || (span.traceFlags & TraceFlags.SAMPLED) === 0) return noExemplar;
  return { trace_id: span.traceId, span_id: span.spanId };
}
