import path from 'node:path';
import { logDir, shipped, temporaryFolder } from './places.js';
import { freePorts } from './ports.js';
import { Program } from './program.js';

/** Jaeger as it ships, on free ports. */
export async function runJaeger(file: string) {
  const folder = temporaryFolder('jaeger');
  const port = await freePorts('health', 'query', 'queryGrpc', 'otlpGrpc', 'otlpHttp', 'metrics');
  const program = new Program({
    name: 'jaeger',
    file,
    args: [`--config=${path.join(shipped, 'jaeger/config.yaml')}`],
    env: {
      JAEGER_DATA: folder.path,
      JAEGER_HEALTH_ADDRESS: `127.0.0.1:${port.health}`,
      JAEGER_QUERY_ADDRESS: `127.0.0.1:${port.query}`,
      JAEGER_QUERY_GRPC_ADDRESS: `127.0.0.1:${port.queryGrpc}`,
      JAEGER_OTLP_GRPC_ADDRESS: `127.0.0.1:${port.otlpGrpc}`,
      JAEGER_OTLP_HTTP_ADDRESS: `127.0.0.1:${port.otlpHttp}`,
      JAEGER_METRICS_HOST: '127.0.0.1',
      JAEGER_METRICS_PORT: String(port.metrics),
      OTEL_TRACES_SAMPLER: 'always_off',
    },
    logFile: path.join(logDir, 'jaeger.log'),
    readyUrl: `http://127.0.0.1:${port.health}/status`,
  });
  return {
    start: () => program.start(),
    url: `http://127.0.0.1:${port.query}`,
    otlp: `127.0.0.1:${port.otlpGrpc}`,
    metrics: `127.0.0.1:${port.metrics}`,
    close: async () => {
      await program.close();
      folder.close();
    },
  };
}
