import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { Telemetry } from '../observability/telemetry.js';
import { methodName } from '../observability/method-name.js';
import { pause } from '../runtime/wait.js';
import { adapt } from './adapter.js';
import { Admission } from './admission.js';
import type { ServerConfig } from './config.js';
import type { BoundService } from './definition.js';
import { installFrontDoor } from './front-door.js';
import type { Authorize, PolicyDeps } from './handler.js';
import { serveHealth, type Health, type Readiness } from './health.js';
import { guardDecoder } from './message-guard.js';
import { reflectionService } from './reflection.js';
import { statusOf } from './status.js';

export interface ServeOptions {
  readonly config: ServerConfig;
  readonly telemetry: Telemetry;
  readonly services: readonly BoundService[];
  readonly readiness: Readiness;
  /** Default: everybody may call everything. */
  readonly authorize?: Authorize;
}

export interface RunningServer {
  readonly port: number;
  /** `host:port` to connect to. */
  readonly address: string;
  readonly health: Health;
  /**
   * NOT_SERVING, then the configured delay for load balancers to notice, then no new calls while those
   * under way finish, at most the configured timeout, then the rest is cut off with UNAVAILABLE.
   */
  close(): Promise<void>;
}

/** Starts a gRPC server with health, reflection, deadlines, error mapping, metrics and logs. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { config, telemetry, services } = options;
  const server = new Server({ interceptors: telemetry.serverInterceptors(), ...channelOptions(config) });
  const shutdown = { streams: new AbortController(), all: new AbortController() };
  const deps = policyDeps(options, { streams: shutdown.streams.signal, all: shutdown.all.signal });
  const names = services.map(serviceName);
  const reflection = reflectionService([
    ...names,
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
  ]);
  for (const service of [...services, reflection]) addService(server, service, deps, config);
  const health = serveHealth(server, {
    services: names,
    readiness: options.readiness,
    onChange: (serving) => telemetry.logger.info({ serving }, 'health changed'),
  });
  telemetry.http.readiness = () => health.serving;
  watchDoor(server, telemetry, config);
  const port = await bind(server, config);
  const address = `${config.host}:${port}`;
  telemetry.logger.info({ address }, 'serving');
  return { port, address, health, close: () => stop({ server, address, health, shutdown, config }) };
}

function channelOptions(config: ServerConfig) {
  return {
    'grpc.max_concurrent_streams': 1000,
    // Requests over the configured limit are refused by a policy, which answers with details; this one
    // only bounds memory.
    'grpc.max_receive_message_length': Math.max(4_194_304, config.maxMessageBytes * 2),
    'grpc.max_connection_age_ms': config.maxConnectionAgeMs,
    'grpc.max_connection_age_grace_ms': 60_000,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.enable_channelz': 0,
  };
}

function policyDeps(
  { config, telemetry, authorize }: ServeOptions,
  shutdown: PolicyDeps['shutdown'],
): PolicyDeps {
  return {
    defaultDeadlineMs: config.defaultDeadlineMs,
    maxDeadlineMs: config.maxDeadlineMs,
    authorize: authorize ?? (() => undefined),
    admission: {
      unary: new Admission(config.maxConcurrentCalls),
      streams: new Admission(config.maxConcurrentCalls),
    },
    shutdown,
    onUnexpected: (error, { method }) =>
      telemetry.logger.error({ err: error, method }, 'call failed unexpectedly'),
  };
}

function serviceName({ definition }: BoundService): string {
  const [method] = Object.values(definition);
  return methodName(method?.path ?? '').split('/', 1)[0] ?? '';
}

function addService(
  server: Server,
  { definition, implementation }: BoundService,
  deps: PolicyDeps,
  config: ServerConfig,
): void {
  for (const [name, method] of Object.entries(definition)) {
    const handler = implementation[name];
    if (!handler) throw new Error(`no handler for ${method.path}`);
    const kind = method.requestStream
      ? method.responseStream
        ? 'bidi'
        : 'clientStream'
      : method.responseStream
        ? 'serverStream'
        : 'unary';
    server.register(
      method.path,
      adapt(method, handler, deps) as never,
      method.responseSerialize,
      guardDecoder(method.requestDeserialize, config.maxMessageBytes),
      kind,
    );
  }
}

function watchDoor(server: Server, { metrics, service, logger }: Telemetry, config: ServerConfig): void {
  const paths = new Set((Reflect.get(server, 'handlers') as Map<string, unknown>).keys());
  installFrontDoor(server, {
    maxMetadataBytes: config.maxMetadataBytes,
    paths,
    onRefused: (method, error) => {
      const code = status[statusOf[error.reason]];
      metrics.requestsTotal.inc({ service, method, status: code });
      logger.info({ method, status: code, reason: error.reason }, 'call refused');
    },
    onConnection: (session) => {
      metrics.activeConnections.inc();
      session.once('close', () => metrics.activeConnections.dec());
    },
  });
}

function bind(server: Server, { host, port }: ServerConfig): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(new Error(`cannot listen on ${host}:${port}: ${error.message}`, { cause: error }));
      else resolve(bound);
    });
  });
}

interface Stopping {
  readonly server: Server;
  readonly address: string;
  readonly health: Health;
  readonly shutdown: { readonly streams: AbortController; readonly all: AbortController };
  readonly config: ServerConfig;
}

async function stop({ server, address, health, shutdown, config }: Stopping): Promise<void> {
  await health.retire();
  await pause(config.shutdownDelayMs);
  server.drain(address, config.shutdownTimeoutMs);
  shutdown.streams.abort();
  const drained = new Promise<void>((resolve) => {
    server.tryShutdown(() => resolve());
  });
  const limit = new AbortController();
  const timer = pause(config.shutdownTimeoutMs, limit.signal).then(async (late) => {
    if (!late) return;
    shutdown.all.abort();
    // One turn of the event loop for the last answers to leave.
    await pause(50);
    server.forceShutdown();
  });
  await Promise.race([drained, timer]);
  limit.abort();
  await timer;
}
