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
import { parseResourceAttributes } from './resource-attributes.js';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** The values of OTEL_TRACES_EXPORTER that are known here, `none` apart. */
export const exporterNames = ['otlp', 'jaeger', 'console'] as const;

export type ExporterName = (typeof exporterNames)[number];

/** The values of OTEL_TRACES_SAMPLER that are known here. */
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
      help: 'More about the process on its spans, `key=value,key=value`, percent-encoded',
    }),
    OTEL_SDK_DISABLED: anyCase(flag({ default: 'false', help: 'No spans; traces of callers are passed on' })),
    OTEL_TRACES_EXPORTER: exporterList(),
    OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl('http://localhost:4317', 'OTLP/gRPC collector'),
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collectorUrl('', 'OTLP/gRPC collector for spans, if another'),
    OTEL_EXPORTER_JAEGER_ENDPOINT: collectorUrl(
      'http://localhost:14268/api/traces',
      'Jaeger collector over HTTP',
    ),
    OTEL_TRACES_SAMPLER: anyCase(
      oneOf({
        values: samplerNames,
        default: 'parentbased_always_on',
        help: 'Which traces are recorded',
      }),
    ),
    OTEL_TRACES_SAMPLER_ARG: ratio({ default: '1', help: 'Share of traces for the `traceidratio` samplers' }),
  } satisfies Settings;
}

interface ServiceName {
  readonly name: string;
  readonly isDefault: boolean;
}

function serviceName(fallback: string): Setting<ServiceName> {
  const help = 'Name of the process in traces, metrics and logs; wins over `service.name` in the next';
  const parse = (name: string): ServiceName => ({ name, isDefault: name === fallback });
  return { ...text({ default: fallback, help }), parse };
}

/** As the specification has booleans and names. */
function anyCase<T>(setting: Setting<T>): Setting<T> {
  return { ...setting, parse: (value) => setting.parse(value.toLowerCase()) };
}

function exporterList(): Setting<readonly ExporterName[]> {
  const known = [...exporterNames, 'none'];
  return {
    ...text({
      default: 'none',
      help: 'Where spans go: some of `otlp`, `jaeger`, `console`, with commas, or `none`',
    }),
    type: 'list',
    parse: (value) => {
      const names = value.split(',').map((name) => name.trim().toLowerCase());
      if (!names.every((name) => known.includes(name)))
        throw new Error(`must be a list of some of ${known.join(', ')}`);
      return exporterNames.filter((name) => names.includes(name));
    },
  };
}

function collectorUrl(fallback: string, help: string): Setting<string> {
  const url = secretUrl({ default: fallback, help, protocols: ['http:', 'https:'] });
  return { ...url, parse: (value) => (value === '' ? '' : url.parse(value)) };
}

/** The settings that every process shares. `METRICS_PORT` has a default of its own per service. */
export function telemetrySettings(service: string, metricsPort: number) {
  return {
    ...tracingSettings(service),
    LOG_LEVEL: oneOf({
      values: logLevels,
      default: 'info',
      help: 'Lowest level that is logged; SIGUSR2 switches to `debug` and back',
    }),
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
  /** As given; malformed ones are reported and ignored. */
  readonly resourceAttributes: string;
  readonly tracingDisabled: boolean;
  /** Where spans go; none: nowhere, though traces are made and passed on. */
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
    service: resolveName(values.OTEL_SERVICE_NAME, values.OTEL_RESOURCE_ATTRIBUTES),
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

/** One name for a process in all it shows, or its logs could not be found from its traces. */
function resolveName({ name, isDefault }: ServiceName, attributes: string): string {
  if (!isDefault) return name;
  try {
    return parseResourceAttributes(attributes)['service.name'] ?? name;
  } catch {
    return name;
  }
}
