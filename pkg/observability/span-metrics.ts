import { createNoopMeter, type Attributes, type MeterProvider } from '@opentelemetry/api';
import { Counter, type Registry } from 'prom-client';

/**
 * What becomes of finished spans, named after the OpenTelemetry conventions for SDK metrics. The label
 * `error_type` is empty for what went well.
 */
export interface SpanMetrics {
  /** Handed to an exporter, or dropped because the queue was full. */
  processed(count: number, errorType: '' | 'queue_full'): void;
  /** Accepted by a backend, or lost. */
  exported(count: number, errorType: '' | 'export_failed'): void;
}

export const ignoredSpanMetrics: SpanMetrics = { processed: () => undefined, exported: () => undefined };

export function spanMetrics(registry: Registry): SpanMetrics {
  const counter = (name: string, help: string, errorTypes: readonly string[]): Counter<'error_type'> => {
    const made = new Counter({ name, help, labelNames: ['error_type'] as const, registers: [registry] });
    for (const errorType of errorTypes) made.inc({ error_type: errorType }, 0);
    return made;
  };
  const processed = counter(
    'otel_sdk_processor_span_processed_total',
    'Spans handed to an exporter, or dropped (error_type queue_full).',
    ['', 'queue_full'],
  );
  const exported = counter(
    'otel_sdk_exporter_span_exported_total',
    'Spans accepted by a tracing backend, or lost (error_type export_failed).',
    ['', 'export_failed'],
  );
  return {
    processed: (count, errorType) => processed.inc({ error_type: errorType }, count),
    exported: (count, errorType) => exported.inc({ error_type: errorType }, count),
  };
}

/** Through which a batch processor tells what it drops; the rest of what it measures goes nowhere. */
export function dropMeter(onDropped: (count: number) => void): MeterProvider {
  const add = (count: number, attributes?: Attributes): void => {
    if (attributes?.['error.type'] === 'queue_full') onDropped(count);
  };
  const meter = Object.assign(Object.create(createNoopMeter()) as ReturnType<typeof createNoopMeter>, {
    createCounter: () => ({ add }),
  });
  return { getMeter: () => meter };
}
