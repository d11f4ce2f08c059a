import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { ConsoleSpanExporter, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { TelemetryConfig } from './config.js';
import { jaegerExporter } from './jaeger-exporter.js';

type ExporterConfig = Pick<TelemetryConfig, 'exporter' | 'otlpEndpoint' | 'jaegerEndpoint'>;

/** The exporter that the configuration names, or undefined when spans go nowhere. */
export function spanExporter(config: ExporterConfig): SpanExporter | undefined {
  switch (config.exporter) {
    case 'none':
      return undefined;
    case 'console':
      return new ConsoleSpanExporter();
    case 'otlp':
      return new OTLPTraceExporter({ url: config.otlpEndpoint });
    case 'jaeger':
      return jaegerExporter(config.jaegerEndpoint);
  }
}
