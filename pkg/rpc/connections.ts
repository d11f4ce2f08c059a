import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { status, type Server, type ServerCredentials } from '@grpc/grpc-js';
import type { Telemetry } from '../observability/telemetry.js';
import type { ServerConfig } from './config.js';
import { installFrontDoor } from './front-door.js';
import { statusOf } from './status.js';

export interface ConnectionOptions {
  readonly config: Pick<ServerConfig, 'maxMetadataBytes'>;
  readonly telemetry: Pick<Telemetry, 'metrics' | 'service' | 'logger'>;
  /** Hears of connections as they come and go. */
  readonly onCount?: (change: 1 | -1) => void;
  /** Sees each listening port before its first connection. */
  readonly onPort?: (server: Http2Server) => void;
}

/** Counts what is refused at the door and who is connected. Returns the open connections. */
export function watchConnections(
  server: Server,
  options: ConnectionOptions,
): ReadonlySet<ServerHttp2Session> {
  const { metrics, service, logger } = options.telemetry;
  const sessions = new Set<ServerHttp2Session>();
  const paths = new Set((Reflect.get(server, 'handlers') as Map<string, unknown>).keys());
  installFrontDoor(server, {
    maxMetadataBytes: options.config.maxMetadataBytes,
    paths,
    onRefused: (method, error) => {
      const code = status[statusOf[error.reason]];
      metrics.requestsTotal.inc({ service, method, status: code });
      logger.info({ method, status: code, reason: error.reason }, 'call refused');
    },
    onConnection: (session) => {
      sessions.add(session);
      options.onCount?.(1);
      session.once('close', () => {
        sessions.delete(session);
        options.onCount?.(-1);
      });
    },
    onPort: (port) => options.onPort?.(port),
  });
  return sessions;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 means any free one. */
  readonly port: number;
  readonly credentials: ServerCredentials;
}

/** Resolves with the port. @throws Error that names the address which cannot be had */
export function listen(server: Server, { host, port, credentials }: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, credentials, (error, bound) => {
      if (error) reject(new Error(`cannot listen on ${host}:${port}: ${error.message}`, { cause: error }));
      else resolve(bound);
    });
  });
}
