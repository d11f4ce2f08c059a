import { constants, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { status, type Server, type ServerCredentials } from '@grpc/grpc-js';
import { servedCalls, type Telemetry } from '../../observability/index.js';
import { pause } from '../../runtime/index.js';
import type { ServerConfig } from '../config.js';
import { statusOf } from '../errors/status.js';
import { installRequestGuard } from './request-guard.js';

/** Longest wait for the sockets to close after the last call. */
const socketCloseTimeoutMs = 1000;

export interface ConnectionOptions {
  readonly config: Pick<ServerConfig, 'maxMetadataBytes'>;
  readonly telemetry: Pick<Telemetry, 'metrics' | 'service' | 'logger'>;
  /** Paths of the served methods, such as `/order.v1.OrderService/GetOrder`. */
  readonly paths: readonly string[];
  /** Called with 1 for a new connection and with -1 for a closed connection. */
  readonly onCount?: (change: 1 | -1) => void;
  /** Called for each listening port before its first connection. */
  readonly onPort?: (server: Http2Server) => void;
}

/** Installs the request guard, counts and logs rejected calls, and returns the set of open connections. */
export function trackConnections(
  server: Server,
  options: ConnectionOptions,
): ReadonlySet<ServerHttp2Session> {
  const { metrics, service, logger } = options.telemetry;
  const sessions = new Set<ServerHttp2Session>();
  installRequestGuard(server, {
    maxMetadataBytes: options.config.maxMetadataBytes,
    paths: new Set(options.paths),
    onRejected: (method, error) => {
      const code = status[statusOf[error.reason]];
      servedCalls(metrics, method).inc({ service, method, status: code });
      logger.info({ method, status: code, reason: error.reason }, 'call rejected');
    },
    onConnection: (session) => {
      sessions.add(session);
      options.onCount?.(1);
      session.once('close', () => {
        sessions.delete(session);
        options.onCount?.(-1);
      });
    },
    onPort: (port) => {
      // A listening socket can fail to accept a connection, for example without a free file descriptor.
      port.on('listening', () => {
        port.on('error', (err) => logger.warn({ err }, 'connection not accepted'));
      });
      options.onPort?.(port);
    },
  });
  return sessions;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  readonly credentials: ServerCredentials;
}

/**
 * @returns the bound port
 * @throws Error with the address when the address is not available
 */
export function listen(server: Server, { host, port, credentials }: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, credentials, (error, bound) => {
      if (error) reject(new Error(`cannot listen on ${host}:${port}: ${error.message}`, { cause: error }));
      else resolve(bound);
    });
  });
}

export interface DrainOptions {
  /** Longest wait for the calls in progress. */
  readonly timeoutMs: number;
  /** Called after `timeoutMs`, before the remaining connections are destroyed. */
  readonly onTimeout?: () => Promise<void>;
}

/** Stops listening, waits for the calls in progress, then closes all connections. */
export async function drain(
  server: Server,
  sessions: ReadonlySet<ServerHttp2Session>,
  { timeoutMs, onTimeout }: DrainOptions,
): Promise<void> {
  const drained = new Promise<void>((resolve) => {
    server.tryShutdown(() => resolve());
  });
  const done = new AbortController();
  const forced = pause(timeoutMs, done.signal).then(async (isLate) => {
    if (!isLate) return;
    await onTimeout?.();
    // forceShutdown does not destroy connections while channelz is disabled.
    for (const session of sessions) session.destroy(undefined, constants.NGHTTP2_CANCEL);
  });
  await Promise.race([
    // `drained` resolves when the sockets are closed, but Node.js 24 emits the `close` events of the sessions later.
    drained.then(() => Promise.race([allClosed(sessions), pause(socketCloseTimeoutMs, done.signal)])),
    // An open socket without an HTTP/2 session keeps `drained` pending, so `timeoutMs` also limits the wait.
    forced.then(() => pause(socketCloseTimeoutMs, done.signal)),
  ]);
  done.abort();
}

async function allClosed(sessions: ReadonlySet<ServerHttp2Session>): Promise<void> {
  await Promise.all(
    [...sessions].map(
      (session) =>
        new Promise((resolve) => {
          session.once('close', resolve);
        }),
    ),
  );
}
