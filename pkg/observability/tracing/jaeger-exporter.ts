import { JaegerExporter } from '@opentelemetry/exporter-jaeger';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { AbortableExporter } from './observed-exporter.js';

/** Equal to the default timeout of the OTLP exporter. */
const timeoutMs = 10_000;

/**
 * Exports spans over HTTP (`/api/traces`). The UDP agent is not supported, because over UDP one large span would fail a
 * whole batch. `@opentelemetry/exporter-jaeger` is deprecated, so only this file imports the package.
 */
export function jaegerExporter(endpoint: string): AbortableExporter {
  return new AbortableJaegerExporter({ endpoint });
}

/** Adds the timeout that the base class lacks. */
class AbortableJaegerExporter extends JaegerExporter implements AbortableExporter {
  override export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    const timer = setTimeout(() => this.abort(), timeoutMs);
    timer.unref();
    super.export(spans, (result) => {
      clearTimeout(timer);
      done(result);
    });
  }

  /** Closes the connections of pending requests; later requests open new connections. */
  abort(): void {
    (Reflect.get(this, '_sender') as { close(): void } | undefined)?.close();
  }
}
