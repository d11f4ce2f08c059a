import type { Interceptor, ServerInterceptor } from '@grpc/grpc-js';
import type { DestinationStream } from 'pino';
import type { TelemetryConfig } from './config.js';
import { startHttpPort, type HttpPort } from './http.js';
import { createLogger, type Logger } from './logger.js';
import { loggingClientInterceptor } from './logging-client-interceptor.js';
import { loggingServerInterceptor } from './logging-server-interceptor.js';
import { createMetrics, type Metrics } from './metrics.js';
import { metricsClientInterceptor } from './metrics-client-interceptor.js';
import { metricsServerInterceptor } from './metrics-server-interceptor.js';
import { traceIdServerInterceptor } from './trace-id-server-interceptor.js';
import { startTracing } from './tracing.js';

/** Everything that makes a process visible. */
export interface Telemetry {
  readonly service: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly http: HttpPort;
  /** For `new Server({ interceptors })`, outermost first. */
  serverInterceptors(): ServerInterceptor[];
  /** For `new Client(…, { interceptors })`; `target` is the name of the other service. */
  clientInterceptors(target: string): Interceptor[];
  /** Flushes spans and closes the HTTP port. */
  close(): Promise<void>;
}

/** Starts logging, tracing, metrics and the HTTP port of one process; logs go to `destination` if given. */
export async function startTelemetry(
  config: TelemetryConfig,
  destination?: DestinationStream,
): Promise<Telemetry> {
  const { service } = config;
  const logger = createLogger(config, destination);
  const metrics = createMetrics();
  const tracing = startTracing(config);
  const http = await startHttpPort({
    host: config.metricsHost,
    port: config.metricsPort,
    registry: metrics.registry,
  });
  return {
    service,
    logger,
    metrics,
    http,
    serverInterceptors: () => [
      metricsServerInterceptor({ service, metrics }),
      loggingServerInterceptor({ logger }),
      traceIdServerInterceptor(),
    ],
    clientInterceptors: (target) => [
      metricsClientInterceptor({ service, target, metrics }),
      loggingClientInterceptor({ logger, target }),
    ],
    close: async () => {
      await http.close();
      await tracing
        .close()
        .catch((error: unknown) => logger.warn({ err: error }, 'spans were lost at shutdown'));
      logger.flush();
    },
  };
}
