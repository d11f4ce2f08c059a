import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import type { TelemetryConfig } from './config.js';
import { spanExporter } from './exporter.js';

export interface Tracing {
  /** Flushes what is pending, at most a few seconds, and stops. */
  close(): Promise<void>;
}

/**
 * Starts tracing for this process. Spans of gRPC calls exist only if the process was started with
 * `--import …/observability/register.js`. Trace ids are made, carried and logged also when spans go
 * nowhere (`none`). Where a process starts several, as tests do, the first one counts: instrumentation
 * never lets go of it, so closing leaves it registered.
 */
export function startTracing(config: TelemetryConfig, extra: readonly SpanProcessor[] = []): Tracing {
  const exporter = spanExporter(config);
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      [ATTR_SERVICE_NAME]: config.service,
      ...parseAttributes(config.resourceAttributes),
    }),
    sampler: sampler(config),
    spanProcessors: [...extra, ...(exporter ? [new BatchSpanProcessor(exporter)] : [])],
  });
  provider.register();
  return { close: () => provider.shutdown() };
}

function sampler({ sampler: name, samplerRatio }: TelemetryConfig): Sampler {
  const root = name.endsWith('always_off')
    ? new AlwaysOffSampler()
    : name.endsWith('always_on')
      ? new AlwaysOnSampler()
      : new TraceIdRatioBasedSampler(samplerRatio);
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

/** `key=value,key=value`, values percent-encoded (OpenTelemetry specification, resource SDK). */
function parseAttributes(text: string): Record<string, string> {
  const pairs = text.split(',').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at > 0 ? [[pair.slice(0, at).trim(), decode(pair.slice(at + 1).trim())]] : [];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** A value that is not percent-encoded properly is taken as it is: telemetry must not stop a service. */
function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
