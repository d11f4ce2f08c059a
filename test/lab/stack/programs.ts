import path from 'node:path';
import { assignPorts } from '../../../cmd/dev/services/ports.js';
import type { Environment } from '../../../pkg/config/index.js';
import { fileOf } from '../requirements.js';
import { logDir, serviceLogDir, shipped, temporaryFolder } from './places.js';
import { Program } from './program.js';
import { shippedFeatures, writePrometheusConfig } from './prometheus-config.js';

/** Free ports of this machine, by name. */
export async function freePorts<N extends string>(...names: readonly N[]): Promise<Record<N, number>> {
  const wanted = names.map((owner) => ({ owner, setting: owner, port: 0 }));
  const assigned = await assignPorts(wanted);
  return Object.fromEntries(assigned.map(({ owner, port }) => [owner, port])) as Record<N, number>;
}

const local = (port: number): string => `127.0.0.1:${port}`;
const logFileOf = (name: string): string => path.join(logDir, `${name}.log`);

/** Prepares Jaeger with the shipped configuration, on free ports. */
export async function aJaeger() {
  const folder = temporaryFolder('jaeger');
  const port = await freePorts('health', 'query', 'queryGrpc', 'otlpGrpc', 'otlpHttp', 'metrics');
  const program = new Program({
    name: 'jaeger',
    file: fileOf('jaeger'),
    args: [`--config=${path.join(shipped, 'jaeger/config.yaml')}`],
    env: {
      JAEGER_DATA: folder.path,
      JAEGER_HEALTH_ADDRESS: local(port.health),
      JAEGER_QUERY_ADDRESS: local(port.query),
      JAEGER_QUERY_GRPC_ADDRESS: local(port.queryGrpc),
      JAEGER_OTLP_GRPC_ADDRESS: local(port.otlpGrpc),
      JAEGER_OTLP_HTTP_ADDRESS: local(port.otlpHttp),
      JAEGER_METRICS_HOST: '127.0.0.1',
      JAEGER_METRICS_PORT: String(port.metrics),
      OTEL_TRACES_SAMPLER: 'always_off',
    },
    logFile: logFileOf('jaeger'),
    readyUrl: `http://${local(port.health)}/status`,
  });
  return {
    start: () => program.start(),
    url: `http://${local(port.query)}`,
    otlp: local(port.otlpGrpc),
    metrics: local(port.metrics),
    close: () => program.close().finally(() => folder.close()),
  };
}

/** Prepares Loki with the shipped configuration, on free ports. */
export async function aLoki() {
  const folder = temporaryFolder('loki');
  const port = await freePorts('http', 'grpc');
  const program = new Program({
    name: 'loki',
    file: fileOf('loki'),
    args: [
      `-config.file=${path.join(shipped, 'loki/config.yaml')}`,
      '-config.expand-env=true',
      '-ingester.min-ready-duration=0s',
    ],
    env: {
      LOKI_DATA: folder.path,
      LOKI_HTTP_HOST: '127.0.0.1',
      LOKI_HTTP_PORT: String(port.http),
      LOKI_GRPC_PORT: String(port.grpc),
    },
    logFile: logFileOf('loki'),
    readyUrl: `http://${local(port.http)}/ready`,
  });
  return {
    start: () => program.start(),
    url: `http://${local(port.http)}`,
    metrics: local(port.http),
    close: () => program.close().finally(() => folder.close()),
  };
}

/**
 * Prepares Prometheus with the shipped configuration and rules, on a free port.
 * @param targets `host:port` of each job
 */
export async function aPrometheus(targets: Readonly<Record<string, string>>) {
  const folder = temporaryFolder('prometheus');
  const port = await freePorts('http');
  const address = local(port.http);
  const config = writePrometheusConfig(folder.path, { ...targets, prometheus: address });
  const program = new Program({
    name: 'prometheus',
    file: fileOf('prometheus'),
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${path.join(folder.path, 'data')}`,
      `--web.listen-address=${address}`,
      ...shippedFeatures(),
    ],
    logFile: logFileOf('prometheus'),
    readyUrl: `http://${address}/-/ready`,
  });
  return {
    start: () => program.start(),
    url: `http://${address}`,
    close: () => program.close().finally(() => folder.close()),
  };
}

export interface CollectorOptions {
  /** `host:port` that receives traces over OTLP. */
  readonly jaeger: string;
  /** Base URL of Loki. If it is undefined, the Collector cannot export log lines. */
  readonly loki: string | undefined;
  /** Name of the log file, without its extension. */
  readonly name?: string;
  readonly args?: readonly string[];
}

/** Time from the first span of a trace to its sampling decision. Must be longer than the slowest order of the tests takes. */
const decisionWait = '4s';
/** The Collector keeps every trace that takes longer than this time, except the traces of watches. */
export const slowTraceMs = 1000;

/** Prepares the Collector with the shipped configuration, on free ports. */
export async function aCollector({ jaeger, loki, name = 'otelcol', args = [] }: CollectorOptions) {
  const positions = temporaryFolder(name);
  const port = await freePorts('health', 'otlpGrpc', 'otlpHttp', 'metrics');
  const configs = ['config.yaml', 'positions.yaml'].map((file) => path.join(shipped, 'otel-collector', file));
  const program = new Program({
    name,
    file: fileOf('otelcol'),
    args: [...configs.map((config) => `--config=${config}`), ...args],
    env: {
      COLLECTOR_HEALTH_ADDRESS: local(port.health),
      COLLECTOR_OTLP_GRPC_ADDRESS: local(port.otlpGrpc),
      COLLECTOR_OTLP_HTTP_ADDRESS: local(port.otlpHttp),
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
    logFile: logFileOf(name),
    readyUrl: `http://${local(port.health)}`,
  });
  return {
    /** @param env overrides for this run */
    start: (env: Environment = {}) => program.start(env),
    endpoint: `http://${local(port.otlpGrpc)}`,
    httpEndpoint: `http://${local(port.otlpHttp)}`,
    metrics: local(port.metrics),
    close: () => program.close(),
  };
}
