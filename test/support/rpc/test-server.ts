import { Client, credentials } from '@grpc/grpc-js';
import { startTelemetry, type Telemetry, type TelemetryConfig } from '../../../pkg/observability/index.js';
import { createClient, type ClientOptions, type RpcClient } from '../../../pkg/rpc/client/client.js';
import type { ServerConfig } from '../../../pkg/rpc/config.js';
import type { BoundService } from '../../../pkg/rpc/definition.js';
import type { Readiness } from '../../../pkg/rpc/server/health.js';
import type { Authorize } from '../../../pkg/rpc/server/call-context.js';
import { serve, type RunningServer } from '../../../pkg/rpc/server/server.js';
import type { TlsFiles } from '../../../pkg/rpc/tls/config.js';
import { openTransport } from '../../../pkg/rpc/tls/transport.js';
import { EchoServiceService, echoService, type EchoHandlers } from './echo-service.js';
import { waitFor } from '../wait-for.js';

/** A parsed log line. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface TestServerOptions {
  readonly handlers?: Partial<EchoHandlers>;
  /** Additional services. */
  readonly services?: readonly BoundService[];
  readonly config?: Partial<ServerConfig>;
  readonly authorize?: Authorize;
  /** Files for mutual TLS; undefined means connections without TLS. */
  readonly tls?: TlsFiles;
  readonly readiness?: Readiness;
}

/** A server of the echo service on a free port, with access to its logs and metrics. */
export interface TestServer extends RunningServer {
  readonly telemetry: Telemetry;
  readonly logs: LogLine[];
  /** Stops only the server; `close` also closes the clients and the telemetry. */
  stop(): Promise<void>;
  /** Creates a client with a separate connection. `close` also closes the client. */
  client(overrides?: Partial<ClientOptions>): RpcClient<typeof EchoServiceService>;
  /** Creates an untyped client of grpc-js. */
  rawClient(): Client;
  /** Returns the sum of the samples with this name and these labels; 0 when no sample matches. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** Waits for at least one log line with this message and these fields, and returns all matching lines. */
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
    client: (overrides) =>
      opened(createClient(EchoServiceService, { ...clientOptions(server.address), ...overrides })),
    rawClient: () => opened(new Client(server.address, credentials.createInsecure(), ownConnection)),
    metric: (name, labels) => sample(telemetry, name, labels),
    logged: async (message, fields = {}) => {
      const found = (): LogLine[] => logs.filter((line) => matches(line, { msg: message, ...fields }));
      await waitFor(() => found().length > 0, `log line "${message}" with ${JSON.stringify(fields)}`);
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

/** Poll interval of the TLS files in tests. */
export const testReloadMs = 20;

/** Gives a client its own connection: by default all grpc-js channels to a target share a connection. */
const ownConnection = { 'grpc.use_local_subchannel_pool': 1 };

function clientOptions(target: string): ClientOptions {
  return { name: 'echo', target, timeoutMs: 10_000, retry: false, channelOptions: ownConnection };
}

export function aTelemetryConfig(overrides: Partial<TelemetryConfig> = {}): TelemetryConfig {
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
    ...overrides,
  };
}

export function aServerConfig(overrides: Partial<ServerConfig> = {}): ServerConfig {
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
    ...overrides,
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
    /** Sample name within a histogram, such as `<name>_count`. */
    readonly metricName?: string;
    readonly labels: LogLine;
  }[];
}

function matches(line: LogLine, fields: LogLine): boolean {
  return Object.entries(fields).every(([name, value]) => line[name] === value);
}
