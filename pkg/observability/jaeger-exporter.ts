import { JaegerExporter } from '@opentelemetry/exporter-jaeger';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';

/**
 * Exports over HTTP (`/api/traces`), never to the UDP agent: there, one large span fails a whole
 * batch. The package is deprecated upstream, so nothing else may import it.
 */
export function jaegerExporter(endpoint: string): SpanExporter {
  return new JaegerExporter({ endpoint });
}
