import { constants, type ServerHttp2Session } from 'node:http2';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { Telemetry } from '../observability/telemetry.js';
import { methodName } from '../observability/method-name.js';
import { pause } from '../runtime/wait.js';
import { adapt } from './adapter.js';
import { Admission } from './admission.js';
import type { ServerConfig } from './config.js';
import type { AnyMethod, BoundService } from './definition.js';
import { installFrontDoor } from './front-door.js';
import type { Authorize, PolicyDeps } from './handler.js';
import { serveHealth, type Health, type Readiness } from './health.js';
import { guardDecoder } from './message-guard.js';
import { reflectionService } from './reflection.js';
import { statusDetailsServerInterceptor } from './status-details-server-interceptor.js';
import { statusOf } from './status.js';

/** Time for answers to leave before their connection is cut, milliseconds. */
const lastAnswersMs = 50;

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
  const interceptors = [statusDetailsServerInterceptor(), ...telemetry.serverInterceptors()];
  const server = new Server({ interceptors, ...channelOptions(config) });
  const deps = policyDeps(options);
  const names = services.map(serviceName);
  const reflection = reflectionService([
    ...names,
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
  ]);
  for (const service of [...services, reflection])
    addService(server, service, { deps, maxMessageBytes: config.maxMessageBytes });
  const health = serveHealth(server, {
    services: names,
    readiness: options.readiness,
    onChange: (serving) => telemetry.logger.info({ serving }, 'health changed'),
  });
  telemetry.http.readiness = () => health.serving;
  const sessions = watchDoor(server, telemetry, config);
  const port = await bind(server, config);
  const address = `${config.host}:${port}`;
  telemetry.logger.info({ address }, 'serving');
  return {
    port,
    address,
    health,
    close: () => stop({ server, sessions, health, admission: deps.admission, config }),
  };
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

function policyDeps({ config, telemetry, authorize }: ServeOptions): PolicyDeps {
  return {
    defaultDeadlineMs: config.defaultDeadlineMs,
    maxDeadlineMs: config.maxDeadlineMs,
    authorize: authorize ?? (() => undefined),
    admission: {
      unary: new Admission(config.maxConcurrentCalls),
      streams: new Admission(config.maxConcurrentCalls),
    },
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
  { deps, maxMessageBytes }: { readonly deps: PolicyDeps; readonly maxMessageBytes: number },
): void {
  for (const [name, method] of Object.entries(definition)) {
    const handler = implementation[name];
    if (!handler) throw new Error(`no handler for ${method.path}`);
    server.register(
      method.path,
      adapt(method, handler, deps) as never,
      method.responseSerialize,
      guardDecoder(method.requestDeserialize, maxMessageBytes),
      kindOf(method),
    );
  }
}

function kindOf({ requestStream, responseStream }: AnyMethod): string {
  if (requestStream) return responseStream ? 'bidi' : 'clientStream';
  return responseStream ? 'serverStream' : 'unary';
}

/** Counts what is refused at the door and who is connected. Returns the open connections. */
function watchDoor(
  server: Server,
  { metrics, service, logger }: Telemetry,
  config: ServerConfig,
): ReadonlySet<ServerHttp2Session> {
  const sessions = new Set<ServerHttp2Session>();
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
      sessions.add(session);
      metrics.activeConnections.inc();
      session.once('close', () => {
        sessions.delete(session);
        metrics.activeConnections.dec();
      });
    },
  });
  return sessions;
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
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  readonly health: Health;
  readonly admission: PolicyDeps['admission'];
  readonly config: ServerConfig;
}

async function stop({ server, sessions, health, admission, config }: Stopping): Promise<void> {
  await health.retire();
  await pause(config.shutdownDelayMs);
  admission.streams.close();
  health.endWatches();
  const drained = new Promise<void>((resolve) => {
    server.tryShutdown(() => resolve());
  });
  const inTime = new AbortController();
  const cutOff = pause(config.shutdownTimeoutMs, inTime.signal).then(async (isLate) => {
    if (!isLate) return;
    admission.unary.close();
    // For the last answers to leave.
    await pause(lastAnswersMs);
    // Not forceShutdown: with channelz off it knows of no connections.
    for (const session of sessions) session.destroy(undefined, constants.NGHTTP2_CANCEL);
  });
  await drained;
  inTime.abort();
  await cutOff;
}
