import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { ConsoleSpanExporter } from '@opentelemetry/sdk-trace-base';
import type { ExporterName, TelemetryConfig } from '../config.js';
import { jaegerExporter } from './jaeger-exporter.js';
import type { AbortableExporter } from './observed-exporter.js';

type Endpoints = Pick<TelemetryConfig, 'otlpEndpoint' | 'jaegerEndpoint'>;

export function spanExporter(
  name: ExporterName,
  { otlpEndpoint, jaegerEndpoint }: Endpoints,
): AbortableExporter {
  switch (name) {
    case 'console':
      return new ConsoleSpanExporter();
    case 'otlp':
      return new AbortableOtlpExporter({ url: otlpEndpoint });
    case 'jaeger':
      return jaegerExporter(jaegerEndpoint);
  }
}

/**
 * Exports spans over OTLP/gRPC. The base class reads further `OTEL_EXPORTER_OTLP_*` variables, such as the headers.
 * After a long outage the channel reconnects within two minutes, which is the backoff limit of gRPC.
 */
class AbortableOtlpExporter extends OTLPTraceExporter implements AbortableExporter {
  abort(): void {
    const delegate = Reflect.get(this, '_delegate') as object;
    (Reflect.get(delegate, '_transport') as { shutdown(): void }).shutdown();
  }
}
