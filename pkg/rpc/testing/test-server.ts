import { Client, credentials } from '@grpc/grpc-js';
import { startTelemetry, type Telemetry, type TelemetryConfig } from '../../observability/index.js';
import { createClient, type ClientOptions, type RpcClient } from '../client.js';
import type { ServerConfig } from '../config.js';
import type { BoundService } from '../definition.js';
import type { Readiness } from '../health.js';
import type { Authorize } from '../handler.js';
import { serve, type RunningServer } from '../server.js';
import type { TlsFiles } from '../tls-config.js';
import { openTransport } from '../transport.js';
import { EchoServiceService, echoService, type EchoHandlers } from './echo-service.js';
import { waitFor } from './wait-for.js';

/** One line of a log, parsed. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface TestServerOptions {
  readonly handlers?: Partial<EchoHandlers>;
  /** Served beside the echo service. */
  readonly services?: readonly BoundService[];
  readonly config?: Partial<ServerConfig>;
  readonly authorize?: Authorize;
  /** Mutual TLS; the files are looked at all the time. */
  readonly tls?: TlsFiles;
  readonly readiness?: Readiness;
}

/** A real server of the echo service on a free port, and all that it shows of itself. */
export interface TestServer extends RunningServer {
  readonly telemetry: Telemetry;
  /** Everything logged so far. */
  readonly logs: LogLine[];
  /** Stops the server alone; `close` also closes its clients and its telemetry. */
  stop(): Promise<void>;
  /** A client of its own connection, closed with the server. */
  client(options?: Partial<ClientOptions>): RpcClient<typeof EchoServiceService>;
  /** The same without our client layer. */
  rawClient(): Client;
  /** Value of one sample of /metrics, 0 when there is none. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** The log lines with this message and these fields, once there are some. */
  logged(message: string, fields?: LogLine): Promise<LogLine[]>;
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const logs: LogLine[] = [];
  const telemetry = await startTelemetry(aTelemetryConfig(), {
    write: (line) => void logs.push(JSON.parse(line) as LogLine),
  });
  const transport = await openTransport({ tls: options.tls, telemetry, reloadMs: testReloadMs });
  const server = await serve({
    config: aServerConfig(options.config),
    telemetry,
    transport,
    services: [echoService(options.handlers), ...(options.services ?? [])],
    readiness: options.readiness ?? (async () => true),
    ...(options.authorize ? { authorize: options.authorize } : {}),
  });
  const clients: { close(): void }[] = [];
  const opened = <C extends { close(): void }>(client: C): C => {
    clients.push(client);
    return client;
  };
  return {
    ...server,
    stop: server.close,
    telemetry,
    logs,
    client: (given) => opened(createClient(EchoServiceService, { ...aClient(server.address), ...given })),
    rawClient: () => opened(new Client(server.address, credentials.createInsecure(), ownConnection)),
    metric: (name, labels) => sample(telemetry, name, labels),
    logged: async (message, fields = {}) => {
      const found = (): LogLine[] => logs.filter((line) => matches(line, { msg: message, ...fields }));
      await waitFor(() => found().length > 0, `the log line "${message}" with ${JSON.stringify(fields)}`);
      return found();
    },
    close: async () => {
      await server.close();
      await transport.close();
      for (const client of clients) client.close();
      await telemetry.close();
    },
  };
}

/** Time between two looks at TLS files in tests, milliseconds. */
export const testReloadMs = 20;

/** Without it, grpc-js shares a connection among all channels of one target. */
const ownConnection = { 'grpc.use_local_subchannel_pool': 1 };

function aClient(target: string): ClientOptions {
  return { name: 'echo', target, timeoutMs: 10_000, retry: false, channelOptions: ownConnection };
}

export function aTelemetryConfig(given: Partial<TelemetryConfig> = {}): TelemetryConfig {
  return {
    service: 'echo-service',
    resourceAttributes: '',
    tracingDisabled: false,
    exporters: [],
    otlpEndpoint: '',
    jaegerEndpoint: '',
    sampler: 'parentbased_always_on',
    samplerRatio: 1,
    logLevel: 'debug',
    logFormat: 'json',
    metricsHost: '127.0.0.1',
    metricsPort: 0,
    ...given,
  };
}

export function aServerConfig(given: Partial<ServerConfig> = {}): ServerConfig {
  return {
    host: '127.0.0.1',
    port: 0,
    healthPort: undefined,
    allowedClients: new Map(),
    defaultDeadlineMs: 30_000,
    maxDeadlineMs: 120_000,
    maxMessageBytes: 1_048_576,
    maxMetadataBytes: 16_384,
    maxConcurrentCalls: 1024,
    maxConnectionAgeMs: 300_000,
    shutdownDelayMs: 0,
    shutdownTimeoutMs: 5000,
    ...given,
  };
}

async function sample(
  { metrics }: Telemetry,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const families = (await metrics.registry.getMetricsAsJSON()) as MetricFamily[];
  return families
    .flatMap((family) => family.values.map((value) => ({ name: family.name, ...value })))
    .filter((value) => (value.metricName ?? value.name) === name && matches(value.labels, labels))
    .reduce((sum, { value }) => sum + value, 0);
}

interface MetricFamily {
  readonly name: string;
  readonly values: readonly {
    readonly value: number;
    /** Set on the parts of a histogram. */
    readonly metricName?: string;
    readonly labels: LogLine;
  }[];
}

function matches(line: LogLine, fields: LogLine): boolean {
  return Object.entries(fields).every(([name, value]) => line[name] === value);
}
