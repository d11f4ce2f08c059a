import { setTimeout as delay } from 'node:timers/promises';
import { diag, ProxyTracerProvider, type MeterProvider } from '@opentelemetry/api';
import { BatchSpanProcessor, NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node';
import type { Registry } from 'prom-client';
import { callSpanProcessor } from './call-span-processor.js';
import type { TelemetryConfig } from './config.js';
import { logDiagnostics } from './diagnostics.js';
import { spanExporter } from './exporter.js';
import type { Logger } from './logger.js';
import { ObservedExporter } from './observed-exporter.js';
import { parseResourceAttributes } from './resource-attributes.js';
import { processResource } from './resource.js';
import { namedSampler } from './sampler.js';
import { dropMeter, ignoredSpanMetrics, spanMetrics, type SpanMetrics } from './span-metrics.js';

/** Longest wait for spans to leave at shutdown, milliseconds. */
const flushLimitMs = 5000;

export interface Tracing {
  /** Flushes what is pending, at most a few seconds, and stops. Never fails: what is lost is logged. */
  close(): Promise<void>;
}

export interface TracingDeps {
  readonly logger?: Pick<Logger, 'debug' | 'info' | 'warn' | 'isLevelEnabled'>;
  readonly registry?: Registry;
}

/**
 * Starts tracing for this process. Spans of gRPC calls and of SQL exist only if the process was started
 * with `--import …/observability/register.js`. Trace ids are made, carried and logged also when spans go
 * nowhere (`none`). Where a process starts several, as tests do, the first one counts: instrumentation
 * never lets go of it, so closing leaves it registered.
 */
export function startTracing(config: TelemetryConfig, deps: TracingDeps = {}): Tracing {
  const { logger, registry } = deps;
  const metrics = registry ? spanMetrics(registry) : ignoredSpanMetrics;
  if (config.tracingDisabled) return passOnOnly();
  const exporters = config.exporters.map(
    (name) => new ObservedExporter(spanExporter(name, config), { name, metrics, logger }),
  );
  const provider = new NodeTracerProvider({
    resource: processResource(config.service, resourceAttributes(config, logger)),
    sampler: namedSampler(config.sampler, config.samplerRatio),
    spanProcessors: [callSpanProcessor(), ...exporters.map((exporter) => batches(exporter, metrics))],
  });
  provider.register();
  if (logger) logDiagnostics(logger);
  return { close: () => stop(provider, exporters, logger) };
}

/** No spans of our own, but callers' traces go on through this process (OTEL_SDK_DISABLED). */
function passOnOnly(): Tracing {
  const provider = new NodeTracerProvider();
  const none = new ProxyTracerProvider();
  Object.assign(provider, { getTracer: none.getTracer.bind(none) });
  provider.register();
  return { close: async () => undefined };
}

type BatchOptions = ConstructorParameters<typeof BatchSpanProcessor>[1];

/** Reads OTEL_BSP_* from the environment by itself. */
function batches(exporter: ObservedExporter, metrics: SpanMetrics): SpanProcessor {
  const options: BatchOptions & { readonly selfObsMeterProvider: MeterProvider } = {
    selfObsMeterProvider: dropMeter((count) => metrics.processed(count, 'queue_full')),
  };
  return new BatchSpanProcessor(exporter, options);
}

function resourceAttributes(
  { resourceAttributes: text }: TelemetryConfig,
  logger: TracingDeps['logger'],
): Record<string, string> {
  try {
    return parseResourceAttributes(text);
  } catch (error) {
    logger?.warn({ err: error }, 'OTEL_RESOURCE_ATTRIBUTES is malformed and ignored');
    return {};
  }
}

async function stop(
  provider: NodeTracerProvider,
  exporters: readonly ObservedExporter[],
  logger: TracingDeps['logger'],
): Promise<void> {
  const inTime = new AbortController();
  const flushed = provider.shutdown().then(
    () => 'flushed' as const,
    (error: unknown) => error,
  );
  const outcome = await Promise.race([flushed, delay(flushLimitMs, 'late', { signal: inTime.signal })]);
  inTime.abort();
  if (outcome !== 'flushed')
    logger?.warn({ err: outcome instanceof Error ? outcome : undefined }, 'spans were lost at shutdown');
  diag.disable();
  for (const exporter of exporters) exporter.hangUp();
}
