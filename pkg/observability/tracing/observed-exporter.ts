import {
  context,
  createNoopMeter,
  ROOT_CONTEXT,
  type Attributes,
  type MeterProvider,
} from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';
import { Counter, type Registry } from 'prom-client';
import type { Logger } from '../logging/logger.js';

export interface AbortableExporter extends SpanExporter {
  /** Ends pending exports. `shutdown` does not end them: it waits for their responses without a time limit. */
  abort?(): void;
}

/** Counters of finished spans. The label `error_type` is empty for success. */
export interface SpanMetrics {
  /** Counts spans that were passed to an exporter, or dropped because the queue was full. */
  processed(count: number, errorType: '' | 'queue_full'): void;
  /** Counts spans that a tracing backend accepted, or that are lost. */
  exported(count: number, errorType: '' | 'export_failed'): void;
}

export const noSpanMetrics: SpanMetrics = { processed: () => undefined, exported: () => undefined };

/** Registers {@link SpanMetrics}. The metric names follow the OpenTelemetry conventions for SDK metrics. */
export function spanMetrics(registry: Registry): SpanMetrics {
  const counter = (name: string, help: string, errorTypes: readonly string[]): Counter<'error_type'> => {
    const created = new Counter({ name, help, labelNames: ['error_type'] as const, registers: [registry] });
    for (const errorType of errorTypes) created.inc({ error_type: errorType }, 0);
    return created;
  };
  const processed = counter(
    'otel_sdk_processor_span_processed_total',
    'Spans given to an exporter, or dropped (error_type queue_full).',
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

/**
 * Creates a meter provider for the batch processor. The meter of this provider calls `onDropped` with the number of
 * dropped spans and ignores all other measurements.
 */
export function dropMeter(onDropped: (count: number) => void): MeterProvider {
  const add = (count: number, attributes?: Attributes): void => {
    if (attributes?.['error.type'] === 'queue_full') onDropped(count);
  };
  const meter = Object.assign(Object.create(createNoopMeter()) as ReturnType<typeof createNoopMeter>, {
    createCounter: () => ({ add }),
  });
  return { getMeter: () => meter };
}

export interface ObservedExporterDeps {
  /** Name of the exporter in OTEL_TRACES_EXPORTER. */
  readonly name: string;
  readonly metrics: SpanMetrics;
  readonly logger: Pick<Logger, 'info' | 'warn'> | undefined;
}

type Done = Parameters<SpanExporter['export']>[1];

/** Limits memory while a tracing backend does not respond. */
const maxPendingExports = 8;

/** `ExportResultCode.FAILED` of `@opentelemetry/core`, which is not a direct dependency. */
const failed = 1;

/** Counts exported spans and logs the start and the end of an outage of the tracing backend. */
export class ObservedExporter implements AbortableExporter {
  readonly #exporter: AbortableExporter;
  readonly #deps: ObservedExporterDeps;
  #failing = false;
  #pending = 0;
  #onIdle: () => void = () => undefined;

  constructor(exporter: AbortableExporter, deps: ObservedExporterDeps) {
    this.#exporter = exporter;
    this.#deps = deps;
  }

  export(spans: ReadableSpan[], done: Done): void {
    this.#deps.metrics.processed(spans.length, '');
    if (this.#pending >= maxPendingExports) {
      this.#finish(spans.length, { code: failed, error: new Error('too many pending exports') }, done);
      return;
    }
    this.#pending += 1;
    this.#exporter.export(spans, (result) => {
      this.#pending -= 1;
      this.#finish(spans.length, result, done);
      if (this.#pending === 0) this.#onIdle();
    });
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  /**
   * Waits for pending exports: the batch processor does not wait, and a closed exporter loses the spans of these
   * exports.
   */
  async shutdown(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    await this.#exporter.shutdown();
  }

  abort(): void {
    this.#exporter.abort?.();
  }

  #finish(count: number, result: Parameters<Done>[0], done: Done): void {
    const isFailure = (result.code as number) === failed;
    this.#deps.metrics.exported(count, isFailure ? 'export_failed' : '');
    // A batch has spans of many traces, so the log line must have no trace id.
    context.with(ROOT_CONTEXT, () => this.#logChange(isFailure, result.error));
    this.#failing = isFailure;
    done(result);
  }

  #logChange(isFailure: boolean, error: Error | undefined): void {
    const { name, logger } = this.#deps;
    if (isFailure && !this.#failing)
      logger?.warn({ exporter: name, reason: error?.message }, 'spans cannot be exported and are lost');
    if (!isFailure && this.#failing) logger?.info({ exporter: name }, 'spans are exported again');
  }
}
