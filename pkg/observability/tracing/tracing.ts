import { setTimeout as delay } from 'node:timers/promises';
import { diag, ProxyTracerProvider, type MeterProvider } from '@opentelemetry/api';
import { BatchSpanProcessor, NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node';
import type { Registry } from 'prom-client';
import { callSpanProcessor } from './call-span-processor.js';
import type { TelemetryConfig } from '../config.js';
import { logDiagnostics } from './diagnostics.js';
import { spanExporter } from './exporters.js';
import type { Logger } from '../logging/logger.js';
import {
  dropMeter,
  noSpanMetrics,
  ObservedExporter,
  spanMetrics,
  type SpanMetrics,
} from './observed-exporter.js';
import { parseResourceAttributes, processResource } from './resource.js';
import { namedSampler } from './sampler.js';

const flushTimeoutMs = 5000;

export interface Tracing {
  /** Flushes pending spans for at most 5 seconds and stops. The promise never rejects; lost spans are logged. */
  close(): Promise<void>;
}

export interface TracingDeps {
  readonly logger?: Pick<Logger, 'debug' | 'info' | 'warn' | 'isLevelEnabled'>;
  readonly registry?: Registry;
}

/**
 * Starts tracing for this process. gRPC calls and SQL statements have spans only if the process was started
 * with `--import …/observability/register.js`. Trace ids are created, propagated and logged even without
 * an exporter. If a process starts tracing again, as tests do, the instrumentation still uses the first provider, because
 * `close` does not unregister the provider.
 */
export function startTracing(config: TelemetryConfig, deps: TracingDeps = {}): Tracing {
  const { logger, registry } = deps;
  const metrics = registry ? spanMetrics(registry) : noSpanMetrics;
  if (config.tracingDisabled) return propagateOnly();
  const exporters = config.exporters.map(
    (name) => new ObservedExporter(spanExporter(name, config), { name, metrics, logger }),
  );
  const provider = new NodeTracerProvider({
    resource: processResource(config.service, resourceAttributes(config, logger)),
    sampler: namedSampler(config.sampler, config.samplerRatio),
    spanProcessors: [callSpanProcessor(), ...exporters.map((exporter) => batchProcessor(exporter, metrics))],
  });
  provider.register();
  if (logger) logDiagnostics(logger);
  return { close: () => stop(provider, exporters, logger) };
}

/** Implements OTEL_SDK_DISABLED: creates no spans and propagates the trace context of callers. */
function propagateOnly(): Tracing {
  const provider = new NodeTracerProvider();
  const noop = new ProxyTracerProvider();
  Object.assign(provider, { getTracer: noop.getTracer.bind(noop) });
  provider.register();
  return { close: async () => undefined };
}

type BatchOptions = ConstructorParameters<typeof BatchSpanProcessor>[1];

/** The created processor reads OTEL_BSP_* from the environment. */
function batchProcessor(exporter: ObservedExporter, metrics: SpanMetrics): SpanProcessor {
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
  const timer = new AbortController();
  const flushed = provider.shutdown().then(
    () => 'flushed' as const,
    (error: unknown) => error,
  );
  const outcome = await Promise.race([flushed, delay(flushTimeoutMs, 'late', { signal: timer.signal })]);
  timer.abort();
  if (outcome !== 'flushed')
    logger?.warn({ err: outcome instanceof Error ? outcome : undefined }, 'spans were lost at shutdown');
  diag.disable();
  for (const exporter of exporters) exporter.abort();
}
