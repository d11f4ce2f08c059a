import type { Environment } from '../../pkg/config/index.js';
import type { Scope } from '../../pkg/runtime/index.js';
import { startChildServer } from '../child-server.js';

/** Starts a collector that discards spans, and returns the settings of services that export 10 % of the traces to it. */
export async function startCollector(scope: Scope): Promise<Environment> {
  const { port } = await startChildServer('./collector/process.js', [], scope);
  return {
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.1',
  };
}
