import {
  flag,
  oneOf,
  port,
  ratio,
  secretUrl,
  text,
  type Setting,
  type Settings,
  type Values,
} from '../config/index.js';
import { parseResourceAttributes } from './tracing/resource.js';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Supported values of OTEL_TRACES_EXPORTER except `none`. */
export const exporterNames = ['otlp', 'jaeger', 'console'] as const;

export type ExporterName = (typeof exporterNames)[number];

/** Supported values of OTEL_TRACES_SAMPLER. */
export const samplerNames = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const;

export type SamplerName = (typeof samplerNames)[number];

function tracingSettings(service: string) {
  return {
    OTEL_SERVICE_NAME: serviceName(service),
    OTEL_RESOURCE_ATTRIBUTES: text({
      default: '',
      help: 'Resource attributes of the spans, `key=value,key=value`, percent-encoded',
    }),
    OTEL_SDK_DISABLED: caseInsensitive(
      flag({ default: 'false', help: 'Creates no spans; the trace context of callers is propagated' }),
    ),
    OTEL_TRACES_EXPORTER: exporterList(),
    OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl('http://localhost:4317', 'OTLP/gRPC collector'),
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collectorUrl(
      '',
      'OTLP/gRPC collector for spans; overrides OTEL_EXPORTER_OTLP_ENDPOINT',
    ),
    OTEL_EXPORTER_JAEGER_ENDPOINT: collectorUrl(
      'http://localhost:14268/api/traces',
      'Jaeger collector over HTTP',
    ),
    OTEL_TRACES_SAMPLER: caseInsensitive(
      oneOf({
        values: samplerNames,
        default: 'parentbased_always_on',
        help: 'Sampler that selects the recorded traces',
      }),
    ),
    OTEL_TRACES_SAMPLER_ARG: ratio({
      default: '1',
      help: 'Ratio of recorded traces for the `traceidratio` samplers',
    }),
  } satisfies Settings;
}

interface ServiceName {
  readonly name: string;
  readonly isDefault: boolean;
}

function serviceName(fallback: string): Setting<ServiceName> {
  const help =
    'Name of the process in traces, metrics and logs; overrides `service.name` of OTEL_RESOURCE_ATTRIBUTES';
  const parse = (name: string): ServiceName => ({ name, isDefault: name === fallback });
  return { ...text({ default: fallback, help }), parse };
}

/** Ignores the case of the value, as the OpenTelemetry specification requires for booleans and names. */
function caseInsensitive<T>(setting: Setting<T>): Setting<T> {
  return { ...setting, parse: (value) => setting.parse(value.toLowerCase()) };
}

function exporterList(): Setting<readonly ExporterName[]> {
  const known = [...exporterNames, 'none'];
  return {
    ...text({
      default: 'none',
      help: 'Span exporters, separated by commas: `otlp`, `jaeger`, `console`; or `none`',
    }),
    type: 'list',
    parse: (value) => {
      const names = value.split(',').map((name) => name.trim().toLowerCase());
      if (!names.every((name) => known.includes(name)))
        throw new Error(`must be a list of ${known.join(', ')}`);
      return exporterNames.filter((name) => names.includes(name));
    },
  };
}

function collectorUrl(fallback: string, help: string): Setting<string> {
  const url = secretUrl({ default: fallback, help, protocols: ['http:', 'https:'] });
  return { ...url, parse: (value) => (value === '' ? '' : url.parse(value)) };
}

/** Telemetry settings of a process. The arguments are the defaults of OTEL_SERVICE_NAME and METRICS_PORT. */
export function telemetrySettings(service: string, metricsPort: number) {
  return {
    ...tracingSettings(service),
    LOG_LEVEL: oneOf({
      values: logLevels,
      default: 'info',
      help: 'Lowest level that is logged; SIGUSR2 toggles between it and `debug`',
    }),
    LOG_FORMAT: oneOf({
      values: ['json', 'pretty'],
      default: 'json',
      help: '`json`, or `pretty` for a terminal',
    }),
    METRICS_HOST: text({
      default: '127.0.0.1',
      help: 'Listen address of /metrics, /healthz and /readyz',
    }),
    METRICS_PORT: port({ default: String(metricsPort), help: 'Port of /metrics, /healthz and /readyz' }),
  } satisfies Settings;
}

export interface TelemetryConfig {
  readonly service: string;
  /** Raw value of OTEL_RESOURCE_ATTRIBUTES; `startTracing` logs and ignores a malformed value. */
  readonly resourceAttributes: string;
  readonly tracingDisabled: boolean;
  /** With an empty list, spans are not exported, but trace ids are created and propagated. */
  readonly exporters: readonly ExporterName[];
  readonly otlpEndpoint: string;
  readonly jaegerEndpoint: string;
  readonly sampler: SamplerName;
  readonly samplerRatio: number;
  readonly logLevel: (typeof logLevels)[number];
  readonly logFormat: 'json' | 'pretty';
  readonly metricsHost: string;
  readonly metricsPort: number;
}

export function telemetryConfig(values: Values<ReturnType<typeof telemetrySettings>>): TelemetryConfig {
  return {
    service: resolveServiceName(values.OTEL_SERVICE_NAME, values.OTEL_RESOURCE_ATTRIBUTES),
    resourceAttributes: values.OTEL_RESOURCE_ATTRIBUTES,
    tracingDisabled: values.OTEL_SDK_DISABLED,
    exporters: values.OTEL_TRACES_EXPORTER,
    otlpEndpoint: values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || values.OTEL_EXPORTER_OTLP_ENDPOINT,
    jaegerEndpoint: values.OTEL_EXPORTER_JAEGER_ENDPOINT,
    sampler: values.OTEL_TRACES_SAMPLER,
    samplerRatio: values.OTEL_TRACES_SAMPLER_ARG,
    logLevel: values.LOG_LEVEL,
    logFormat: values.LOG_FORMAT,
    metricsHost: values.METRICS_HOST,
    metricsPort: values.METRICS_PORT,
  };
}

/**
 * Returns the service name for traces, metrics and logs: OTEL_SERVICE_NAME unless it is the default, else `service.name`
 * of OTEL_RESOURCE_ATTRIBUTES, else the default.
 */
function resolveServiceName({ name, isDefault }: ServiceName, attributes: string): string {
  if (!isDefault) return name;
  try {
    return parseResourceAttributes(attributes)['service.name'] ?? name;
  } catch {
    return name;
  }
}
