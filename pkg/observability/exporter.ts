import { ConsoleSpanExporter } from '@opentelemetry/sdk-trace-base';
import type { ExporterName, TelemetryConfig } from './config.js';
import { jaegerExporter } from './jaeger-exporter.js';
import type { RemoteExporter } from './observed-exporter.js';
import { otlpExporter } from './otlp-exporter.js';

type Endpoints = Pick<TelemetryConfig, 'otlpEndpoint' | 'jaegerEndpoint'>;

export function spanExporter(
  name: ExporterName,
  { otlpEndpoint, jaegerEndpoint }: Endpoints,
): RemoteExporter {
  switch (name) {
    case 'console':
      return new ConsoleSpanExporter();
    case 'otlp':
      return otlpExporter(otlpEndpoint);
    case 'jaeger':
      return jaegerExporter(jaegerEndpoint);
  }
}
