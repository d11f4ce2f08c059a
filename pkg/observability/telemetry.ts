import type { Interceptor, ServerInterceptor } from '@grpc/grpc-js';
import type { DestinationStream } from 'pino';
import type { TelemetryConfig } from './config.js';
import { startHttpPort, type HttpPort } from './http.js';
import { createLogger, type Logger } from './logger.js';
import { debugOnSignal } from './logging-level.js';
import { loggingClientInterceptor } from './logging-client-interceptor.js';
import { loggingServerInterceptor } from './logging-server-interceptor.js';
import { messageCountClientInterceptor } from './message-count-client-interceptor.js';
import { messageCountServerInterceptor } from './message-count-server-interceptor.js';
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
  const metrics = createMetrics(service);
  const tracing = startTracing(config, { logger, registry: metrics.registry });
  const http = await startHttpPort({
    host: config.metricsHost,
    port: config.metricsPort,
    registry: metrics.registry,
  });
  const levelSwitch = debugOnSignal(logger);
  return {
    service,
    logger,
    metrics,
    http,
    serverInterceptors: () => [
      metricsServerInterceptor({ service, metrics }),
      loggingServerInterceptor({ logger }),
      messageCountServerInterceptor(),
      traceIdServerInterceptor(),
    ],
    clientInterceptors: (target) => [
      metricsClientInterceptor({ service, target, metrics }),
      loggingClientInterceptor({ logger, target }),
      messageCountClientInterceptor(),
    ],
    close: async () => {
      await http.close();
      await tracing.close();
      levelSwitch.close();
    },
  };
}
