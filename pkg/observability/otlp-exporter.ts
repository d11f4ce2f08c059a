import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import type { RemoteExporter } from './observed-exporter.js';

/**
 * Exports over OTLP/gRPC. Reads the other `OTEL_EXPORTER_OTLP_*` from the environment by itself. After a
 * long outage its channel looks for the collector again at the latest every two minutes, as gRPC does.
 */
export function otlpExporter(endpoint: string): RemoteExporter {
  return new ImpatientOtlpExporter({ url: endpoint });
}

class ImpatientOtlpExporter extends OTLPTraceExporter implements RemoteExporter {
  hangUp(): void {
    const delegate = Reflect.get(this, '_delegate') as object;
    (Reflect.get(delegate, '_transport') as { shutdown(): void }).shutdown();
  }
}
