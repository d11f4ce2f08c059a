import { oneOf, port, ratio, text, type Settings, type Values } from '../config/index.js';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** The settings that every process shares. `METRICS_PORT` has a default of its own per service. */
export function telemetrySettings(service: string, metricsPort: number) {
  return {
    OTEL_SERVICE_NAME: text({ default: service, help: 'Name of the process in traces, metrics and logs' }),
    OTEL_RESOURCE_ATTRIBUTES: text({ default: '', help: 'More resource attributes, `key=value,key=value`' }),
    OTEL_TRACES_EXPORTER: oneOf({
      values: ['none', 'otlp', 'jaeger', 'console'],
      default: 'none',
      help: 'Where spans go',
    }),
    OTEL_EXPORTER_OTLP_ENDPOINT: text({ default: 'http://localhost:4317', help: 'OTLP/gRPC collector' }),
    OTEL_EXPORTER_JAEGER_ENDPOINT: text({
      default: 'http://localhost:14268/api/traces',
      help: 'Jaeger collector over HTTP',
    }),
    OTEL_TRACES_SAMPLER: oneOf({
      values: [
        'parentbased_always_on',
        'parentbased_always_off',
        'parentbased_traceidratio',
        'always_on',
        'always_off',
        'traceidratio',
      ],
      default: 'parentbased_always_on',
      help: 'Which traces are recorded',
    }),
    OTEL_TRACES_SAMPLER_ARG: ratio({ default: '1', help: 'Share of traces for the `traceidratio` samplers' }),
    LOG_LEVEL: oneOf({ values: logLevels, default: 'info', help: 'Lowest level that is logged' }),
    LOG_FORMAT: oneOf({
      values: ['json', 'pretty'],
      default: 'json',
      help: '`pretty` is for people on a terminal',
    }),
    METRICS_HOST: text({
      default: '127.0.0.1',
      help: 'Address on which /metrics, /healthz and /readyz listen',
    }),
    METRICS_PORT: port({ default: String(metricsPort), help: 'Port of /metrics, /healthz and /readyz' }),
  } satisfies Settings;
}

export interface TelemetryConfig {
  readonly service: string;
  readonly resourceAttributes: string;
  readonly exporter: 'none' | 'otlp' | 'jaeger' | 'console';
  readonly otlpEndpoint: string;
  readonly jaegerEndpoint: string;
  readonly sampler: string;
  readonly samplerRatio: number;
  readonly logLevel: (typeof logLevels)[number];
  readonly logFormat: 'json' | 'pretty';
  readonly metricsHost: string;
  readonly metricsPort: number;
}

export function telemetryConfig(values: Values<ReturnType<typeof telemetrySettings>>): TelemetryConfig {
  return {
    service: values.OTEL_SERVICE_NAME,
    resourceAttributes: values.OTEL_RESOURCE_ATTRIBUTES,
    exporter: values.OTEL_TRACES_EXPORTER,
    otlpEndpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
    jaegerEndpoint: values.OTEL_EXPORTER_JAEGER_ENDPOINT,
    sampler: values.OTEL_TRACES_SAMPLER,
    samplerRatio: values.OTEL_TRACES_SAMPLER_ARG,
    logLevel: values.LOG_LEVEL,
    logFormat: values.LOG_FORMAT,
    metricsHost: values.METRICS_HOST,
    metricsPort: values.METRICS_PORT,
  };
}
