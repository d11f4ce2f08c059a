import type { Environment } from '../../pkg/config/index.js';
import path from 'node:path';
import { logDir, serviceLogDir, shipped, temporaryFolder } from './places.js';
import { freePorts } from './ports.js';
import { Program } from './program.js';

export interface CollectorOptions {
  /** Of Jaeger, `host:port`. */
  readonly jaeger: string;
  /** Base address of Loki. */
  readonly loki: string | undefined;
  /** Of its log. */
  readonly name?: string;
  /** More arguments. */
  readonly args?: readonly string[];
}

/** A trace is judged this long after its first span arrived; longer than the slowest order here. */
const decisionWait = '4s';
/** What is slower is always kept, milliseconds. */
export const slowTraceMs = 1000;

/** As compose gives them. */
const configs = ['config.yaml', 'positions.yaml'];

/** The Collector as it ships, on free ports. */
export async function runCollector(
  file: string,
  { jaeger, loki, name = 'otelcol', args = [] }: CollectorOptions,
) {
  const positions = temporaryFolder(name);
  const port = await freePorts('health', 'otlpGrpc', 'otlpHttp', 'metrics');
  const program = new Program({
    name,
    file,
    args: [...configs.map((config) => `--config=${path.join(shipped, 'otel-collector', config)}`), ...args],
    env: {
      COLLECTOR_HEALTH_ADDRESS: `127.0.0.1:${port.health}`,
      COLLECTOR_OTLP_GRPC_ADDRESS: `127.0.0.1:${port.otlpGrpc}`,
      COLLECTOR_OTLP_HTTP_ADDRESS: `127.0.0.1:${port.otlpHttp}`,
      COLLECTOR_METRICS_HOST: '127.0.0.1',
      COLLECTOR_METRICS_PORT: String(port.metrics),
      COLLECTOR_LOG_FILES: path.join(serviceLogDir, '*-service.log'),
      COLLECTOR_POSITIONS: positions.path,
      COLLECTOR_DECISION_WAIT: decisionWait,
      COLLECTOR_SLOW_TRACE_MS: String(slowTraceMs),
      COLLECTOR_SAMPLED_PERCENT: '100',
      COLLECTOR_JAEGER_ENDPOINT: jaeger,
      COLLECTOR_LOKI_ENDPOINT: `${loki ?? 'http://127.0.0.1:9'}/otlp`,
    },
    logFile: path.join(logDir, `${name}.log`),
    readyUrl: `http://127.0.0.1:${port.health}`,
  });
  return {
    /** @param env for this run */
    start: (env: Environment = {}) => program.start(env),
    endpoint: `http://127.0.0.1:${port.otlpGrpc}`,
    httpEndpoint: `http://127.0.0.1:${port.otlpHttp}`,
    metrics: `127.0.0.1:${port.metrics}`,
    close: () => program.close(),
  };
}
