import type { ServerHttp2Session } from 'node:http2';
import { Server } from '@grpc/grpc-js';
import {
  checkGrpcJsInternals,
  initCallMetrics,
  isBatchMethod,
  methodName,
  recordFailure,
  type Telemetry,
} from '../../observability/index.js';
import { pause } from '../../runtime/index.js';
import { adapt, type MethodAdapter } from './adapter.js';
import { Admission } from './admission.js';
import { adaptBatch } from './batch.js';
import type { ServerConfig } from '../config.js';
import { drain, listen, trackConnections } from './connections.js';
import type { AnyMethod, BatchOf, BoundService, Handler } from '../definition.js';
import type { Authorize } from './call-context.js';
import type { PolicyDeps } from './policies.js';
import { openHealthPort, type HealthPort } from './health-port.js';
import { watchHealth, type Health, type Readiness } from './health.js';
import { reflectionService } from './reflection.js';
import { statusDetailsServerInterceptor } from '../errors/status-details-interceptor.js';
import { allowOnly, cacheCertificates } from '../tls/authorization.js';
import { handshakeFailures } from '../tls/handshakes.js';
import { plainTransport, type Transport } from '../tls/transport.js';

/** Time to send the last responses before the connections are destroyed. */
const lastResponsesMs = 50;

/** Services of every server. */
const ownServices = ['grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection'];

export interface ServeOptions {
  readonly config: ServerConfig;
  readonly telemetry: Telemetry;
  readonly services: readonly BoundService[];
  readonly readiness: Readiness;
  /** Default: connections without TLS. */
  readonly transport?: Transport;
  /** Default: `config.allowedClients` with mutual TLS; without mutual TLS, every caller may call every method. */
  readonly authorize?: Authorize;
}

export interface RunningServer {
  readonly port: number;
  /** `host:port` for clients. */
  readonly address: string;
  /** `host:port` for probes; undefined without `config.healthPort`. */
  readonly healthAddress: string | undefined;
  readonly health: Health;
  /**
   * Shuts down in four steps:
   * 1. Health becomes NOT_SERVING, and clients receive GOAWAY.
   * 2. The server accepts new calls during the configured delay.
   * 3. Streams end, new calls are rejected, and unary calls in progress finish.
   * 4. After the configured timeout, the remaining calls end with UNAVAILABLE.
   */
  close(): Promise<void>;
}

/** Starts a gRPC server with health, reflection, deadlines, error mapping, metrics and logs. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { config, telemetry } = options;
  const deps = policyDeps(options);
  checkGrpcJsInternals();
  const reflection = reflectionService([...options.services.map(serviceName), ...ownServices]);
  const server = createServer(options, [...options.services, reflection], deps);
  const health = watchHealth({
    services: options.services.map(serviceName),
    readiness: options.readiness,
    onChange: (serving) => telemetry.logger.info({ serving }, 'health changed'),
  });
  telemetry.http.readiness = () => health.serving;
  const paths = [...pathsOf([...options.services, reflection]), ...health.addTo(server)];
  const sessions = trackSessions(server, paths, options);
  initCallMetrics(telemetry, pathsOf(options.services));
  const { port, healthPort } = await openPorts(server, options, health);
  const address = `${config.host}:${port}`;
  telemetry.logger.info({ address }, 'serving');
  return {
    port,
    address,
    healthAddress: healthPort?.address,
    health,
    close: async () => {
      await stop({ server, sessions, health, admission: deps.admission, config });
      await healthPort?.close();
    },
  };
}

function createServer(
  { config, telemetry }: ServeOptions,
  services: readonly BoundService[],
  deps: PolicyDeps,
): Server {
  const interceptors = [statusDetailsServerInterceptor(), ...telemetry.serverInterceptors()];
  const server = new Server({ interceptors, ...channelOptions(config) });
  for (const service of services)
    addService(server, service, { deps, maxMessageBytes: config.maxMessageBytes, telemetry });
  return server;
}

function trackSessions(
  server: Server,
  paths: readonly string[],
  { config, telemetry, transport }: ServeOptions,
): ReadonlySet<ServerHttp2Session> {
  const logFailures = handshakeFailures(telemetry);
  return trackConnections(server, {
    config,
    telemetry,
    paths,
    onCount: (change) => telemetry.metrics.activeConnections.inc(change),
    onPort: (port) => {
      if (transport?.isMutualTls !== true) return;
      cacheCertificates(port);
      logFailures(port);
    },
  });
}

/** Opens the health port and the server port. If a port is not available, closes the health port and rejects. */
async function openPorts(
  server: Server,
  { config, telemetry, transport = plainTransport }: ServeOptions,
  health: Health,
): Promise<{ readonly port: number; readonly healthPort: HealthPort | undefined }> {
  const { host, port } = config;
  let healthPort: HealthPort | undefined;
  try {
    if (config.healthPort !== undefined)
      healthPort = await openHealthPort({ config, port: config.healthPort, health, telemetry });
    return {
      port: await listen(server, { host, port, credentials: transport.serverCredentials() }),
      healthPort,
    };
  } catch (error) {
    await health.retire();
    await healthPort?.close();
    throw error;
  }
}

function channelOptions(config: ServerConfig) {
  return {
    'grpc.max_concurrent_streams': 1000,
    // The message guard enforces the configured limit with error details. This higher limit protects the memory.
    'grpc.max_receive_message_length': Math.max(4_194_304, config.maxMessageBytes * 2),
    'grpc.max_connection_age_ms': config.maxConnectionAgeMs,
    'grpc.max_connection_age_grace_ms': 60_000,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.enable_channelz': 0,
  };
}

function policyDeps({ config, transport, authorize }: ServeOptions): PolicyDeps {
  const defaultAuthorize =
    transport?.isMutualTls === true ? allowOnly(config.allowedClients) : () => undefined;
  return {
    defaultDeadlineMs: config.defaultDeadlineMs,
    maxDeadlineMs: config.maxDeadlineMs,
    authorize: authorize ?? defaultAuthorize,
    admission: {
      unary: new Admission(config.maxConcurrentCalls),
      streams: new Admission(config.maxConcurrentCalls),
    },
    onFault: recordFailure,
  };
}

function pathsOf(services: readonly BoundService[]): string[] {
  return services.flatMap(({ definition }) => Object.values(definition).map(({ path }) => path));
}

function serviceName({ definition }: BoundService): string {
  const [method] = Object.values(definition);
  return methodName(method?.path ?? '').split('/', 1)[0] ?? '';
}

interface AdapterOptions {
  readonly deps: PolicyDeps;
  readonly maxMessageBytes: number;
  readonly telemetry: Telemetry;
}

function addService(server: Server, service: BoundService, options: AdapterOptions): void {
  for (const [name, method] of Object.entries(service.definition)) {
    const { handle, decode, encode } = adapterOf(service, name, options);
    server.register(method.path, handle as never, encode, decode, kindOf(method));
  }
}

function adapterOf(
  { definition, implementation }: BoundService,
  name: string,
  options: AdapterOptions,
): MethodAdapter {
  const method = definition[name];
  const implemented = implementation[name];
  if (!method || !implemented) throw new Error(`no handler for ${method?.path ?? name}`);
  if (isBatchMethod(method.path) !== isBatchOf(implemented))
    throw new Error(`the name of ${method.path} does not match its implementation`);
  if (!isBatchOf(implemented)) return adapt({ ...options, method, handler: implemented });
  const unary = definition[implemented.unary];
  const handler = implementation[implemented.unary];
  if (!unary || !handler || isBatchOf(handler)) throw new Error(`no unary method for ${method.path}`);
  return adaptBatch({ ...options, method: unary, handler });
}

function isBatchOf(implemented: Handler<never, unknown> | BatchOf<string>): implemented is BatchOf<string> {
  return 'unary' in implemented;
}

function kindOf({ requestStream, responseStream }: AnyMethod): string {
  if (requestStream) return responseStream ? 'bidi' : 'clientStream';
  return responseStream ? 'serverStream' : 'unary';
}

interface StopOptions {
  readonly server: Server;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  readonly health: Health;
  readonly admission: PolicyDeps['admission'];
  readonly config: ServerConfig;
}

async function stop({ server, sessions, health, admission, config }: StopOptions): Promise<void> {
  await health.retire();
  // After GOAWAY, clients resolve the name again, and may reconnect to this server until DNS returns other addresses.
  // session.close() is not used, because grpc-js would treat the session as drained.
  if (config.shutdownDelayMs > 0) for (const session of sessions) if (!session.destroyed) session.goaway();
  await pause(config.shutdownDelayMs);
  admission.streams.close();
  health.endWatches();
  await drain(server, sessions, {
    timeoutMs: config.shutdownTimeoutMs,
    onTimeout: async () => {
      admission.unary.close();
      await pause(lastResponsesMs);
    },
  });
}
