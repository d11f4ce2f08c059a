import { constants, type ServerHttp2Session } from 'node:http2';
import { Server } from '@grpc/grpc-js';
import { failCall } from '../observability/call-record.js';
import { expectCalls } from '../observability/metrics-server-interceptor.js';
import type { Telemetry } from '../observability/telemetry.js';
import { methodName } from '../observability/method-name.js';
import { pause } from '../runtime/wait.js';
import { adapt } from './adapter.js';
import { Admission } from './admission.js';
import type { ServerConfig } from './config.js';
import { listen, watchConnections } from './connections.js';
import type { AnyMethod, BoundService } from './definition.js';
import type { Authorize, PolicyDeps } from './handler.js';
import { openHealthPort, type HealthPort } from './health-port.js';
import { watchHealth, type Health, type Readiness } from './health.js';
import { guardDecoder } from './message-guard.js';
import { reflectionService } from './reflection.js';
import { statusDetailsServerInterceptor } from './status-details-server-interceptor.js';
import { allowOnly } from './tls-allowed-clients.js';
import { rememberCertificates } from './tls-caller.js';
import { handshakeRefusals } from './tls-handshakes.js';
import { plainTransport, type Transport } from './transport.js';

/** Time for answers to leave before their connection is cut, milliseconds. */
const lastAnswersMs = 50;
/** Time for cut connections to end, milliseconds. */
const lastEndsMs = 1000;

export interface ServeOptions {
  readonly config: ServerConfig;
  readonly telemetry: Telemetry;
  readonly services: readonly BoundService[];
  readonly readiness: Readiness;
  /** Default: plain. */
  readonly transport?: Transport;
  /** Default: with mutual TLS as configured, else everybody may call everything. */
  readonly authorize?: Authorize;
}

export interface RunningServer {
  readonly port: number;
  /** `host:port` to connect to. */
  readonly address: string;
  /** `host:port` of the port for probes, if there is one. */
  readonly healthAddress: string | undefined;
  readonly health: Health;
  /**
   * NOT_SERVING, and clients are sent away (GOAWAY); then the configured delay, in which whoever still comes is
   * served; then no new calls while those under way finish, at most the configured timeout, then the rest is cut
   * off with UNAVAILABLE.
   */
  close(): Promise<void>;
}

/** Starts a gRPC server with health, reflection, deadlines, error mapping, metrics and logs. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { config, telemetry } = options;
  const deps = policyDeps(options);
  const server = createServer(options, deps);
  const health = watchHealth({
    services: options.services.map(serviceName),
    readiness: options.readiness,
    onChange: (serving) => telemetry.logger.info({ serving }, 'health changed'),
  });
  health.addTo(server);
  telemetry.http.readiness = () => health.serving;
  const sessions = watchSessions(server, options);
  expectCalls(telemetry, pathsOf(options.services));
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

function createServer({ config, telemetry, services }: ServeOptions, deps: PolicyDeps): Server {
  const interceptors = [statusDetailsServerInterceptor(), ...telemetry.serverInterceptors()];
  const server = new Server({ interceptors, ...channelOptions(config) });
  const reflection = reflectionService([
    ...services.map(serviceName),
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
  ]);
  for (const service of [...services, reflection])
    addService(server, service, { deps, maxMessageBytes: config.maxMessageBytes });
  return server;
}

function watchSessions(
  server: Server,
  { config, telemetry, transport }: ServeOptions,
): ReadonlySet<ServerHttp2Session> {
  const noteRefusals = handshakeRefusals(telemetry);
  return watchConnections(server, {
    config,
    telemetry,
    onCount: (change) => telemetry.metrics.activeConnections.inc(change),
    onPort: (port) => {
      if (transport?.isMutualTls !== true) return;
      rememberCertificates(port);
      noteRefusals(port);
    },
  });
}

/** Leaves nothing open when a port cannot be had. */
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

function policyDeps({ config, transport, authorize }: ServeOptions): PolicyDeps {
  const byDefault = transport?.isMutualTls === true ? allowOnly(config.allowedClients) : () => undefined;
  return {
    defaultDeadlineMs: config.defaultDeadlineMs,
    maxDeadlineMs: config.maxDeadlineMs,
    authorize: authorize ?? byDefault,
    admission: {
      unary: new Admission(config.maxConcurrentCalls),
      streams: new Admission(config.maxConcurrentCalls),
    },
    onFault: failCall,
  };
}

function pathsOf(services: readonly BoundService[]): string[] {
  return services.flatMap(({ definition }) => Object.values(definition).map(({ path }) => path));
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

interface Stopping {
  readonly server: Server;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  readonly health: Health;
  readonly admission: PolicyDeps['admission'];
  readonly config: ServerConfig;
}

async function stop({ server, sessions, health, admission, config }: Stopping): Promise<void> {
  await health.retire();
  // Whoever is sent away asks DNS again; until the answer has come it may knock here once more. Not close(): grpc-js
  // would take the session for drained.
  if (config.shutdownDelayMs > 0) for (const session of sessions) if (!session.destroyed) session.goaway();
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
  // A socket that never spoke HTTP/2 is no session, and would never be drained.
  await Promise.race([drained, cutOff.then(() => pause(lastEndsMs, inTime.signal))]);
  inTime.abort();
}
