import { JaegerExporter } from '@opentelemetry/exporter-jaeger';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { RemoteExporter } from './observed-exporter.js';

/** Longest wait for an answer, milliseconds; that of the OTLP exporter. */
const timeoutMs = 10_000;

/**
 * Exports over HTTP (`/api/traces`), never to the UDP agent: there, one large span fails a whole
 * batch. The package is deprecated upstream, so nothing else may import it.
 */
export function jaegerExporter(endpoint: string): RemoteExporter {
  return new ImpatientJaegerExporter({ endpoint });
}

/** By itself it would wait for ever for a collector that takes spans and never answers. */
class ImpatientJaegerExporter extends JaegerExporter implements RemoteExporter {
  override export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void {
    const timer = setTimeout(() => this.hangUp(), timeoutMs);
    timer.unref();
    super.export(spans, (result) => {
      clearTimeout(timer);
      done(result);
    });
  }

  /** The next requests open connections of their own. */
  hangUp(): void {
    (Reflect.get(this, '_sender') as { close(): void } | undefined)?.close();
  }
}
