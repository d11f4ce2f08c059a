import type { Interceptor, ServerInterceptor } from '@grpc/grpc-js';
import type { DestinationStream } from 'pino';
import { ClientItem, type ClientItemOptions } from './batch/client-item.js';
import { ServerItem, type ServerItemOptions } from './batch/server-item.js';
import { clientCallInterceptor, type OnClientCallEnd } from './client-call.js';
import type { TelemetryConfig } from './config.js';
import { startHttpPort, type HttpPort } from './http.js';
import { createLogger, type Logger } from './logging/logger.js';
import { toggleDebugOnSignal } from './logging/level.js';
import { clientCallLog, serverCallLog } from './logging/call-log.js';
import { clientCallMetrics, serverCallMetrics } from './metrics/call-metrics.js';
import { createMetrics, type Metrics } from './metrics/metrics.js';
import { serverCallInterceptor, type OnEnd } from './server-call.js';
import { startTracing } from './tracing/tracing.js';

/** Logger, metrics, tracing and HTTP endpoints of one process. */
export interface Telemetry {
  readonly service: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly http: HttpPort;
  /** Returns the interceptors for `new Server({ interceptors })`, outermost first. */
  serverInterceptors(): ServerInterceptor[];
  /** Returns the interceptors for `new Client(…, { interceptors })`; `target` is the name of the called service. */
  clientInterceptors(target: string): Interceptor[];
  /** Returns the function that starts the items of batch calls on the server, of one unary method. */
  serverItems(method: string): (options: Omit<ServerItemOptions, 'method'>) => ServerItem;
  /** Returns the function that starts the items of batch calls to `target`, of one unary method. */
  clientItems(target: string, method: string): (options: Omit<ClientItemOptions, 'method'>) => ClientItem;
  /** Closes the HTTP server and flushes spans. */
  close(): Promise<void>;
}

/** Starts the telemetry of a process. Logs are written to `destination` (default: standard output). */
export async function startTelemetry(
  config: TelemetryConfig,
  destination?: DestinationStream,
): Promise<Telemetry> {
  const { service } = config;
  const metrics = createMetrics(service);
  const logger = createLogger(config, destination, (lines) => metrics.logLinesDropped.inc(lines));
  const tracing = startTracing(config, { logger, registry: metrics.registry });
  const http = await startHttpPort({
    host: config.metricsHost,
    port: config.metricsPort,
    registry: metrics.registry,
  });
  const levelToggle = toggleDebugOnSignal(logger);
  const serverObservers = (method: string): OnEnd[] => [
    serverCallMetrics({ service, metrics }, method),
    serverCallLog(logger, method),
  ];
  const clientObservers = (target: string, method: string): OnClientCallEnd[] => [
    clientCallMetrics({ service, target, metrics }, method),
    clientCallLog({ logger, target }, method),
  ];
  return {
    service,
    logger,
    metrics,
    http,
    serverInterceptors: () => [serverCallInterceptor(serverObservers)],
    clientInterceptors: (target) => [clientCallInterceptor((method) => clientObservers(target, method))],
    serverItems: (method) => {
      const observers = serverObservers(method);
      return (options) => new ServerItem({ ...options, method }, observers);
    },
    clientItems: (target, method) => {
      const observers = clientObservers(target, method);
      return (options) => new ClientItem({ ...options, method }, observers);
    },
    close: async () => {
      await http.close();
      await tracing.close();
      levelToggle.close();
    },
  };
}
