import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { AppError } from '../../errors/index.js';
import { onHttp2Server } from '../../observability/index.js';
import { toServiceError } from '../errors/error-details.js';
import { normalizeTimeout } from './deadline.js';

export interface RequestGuard {
  readonly maxMetadataBytes: number;
  /** Paths of the served methods, such as `/order.v1.OrderService/GetOrder`. */
  readonly paths: ReadonlySet<string>;
  /** Called for every rejected call; `method` is `unknown` for methods that are not served. */
  onRejected(method: string, error: AppError): void;
  onConnection(session: ServerHttp2Session): void;
  /** Called for each listening port before its first connection. */
  onPort(server: Http2Server): void;
}

/**
 * Rejects requests with unknown methods, malformed `grpc-timeout` headers or oversized metadata, and limits timeouts
 * that would overflow.
 *
 * grpc-js handles these requests before its first interceptor, and interceptors do not receive the raw headers. The
 * guard replaces the `stream` listener of grpc-js and passes accepted requests to the replaced listener
 * (docs/adr/0007-request-guard.md).
 */
export function installRequestGuard(server: Server, guard: RequestGuard): void {
  onHttp2Server(server, (http2Server) => {
    const listeners = http2Server.listeners('stream');
    http2Server.removeAllListeners('stream');
    http2Server.on('session', (session) => guard.onConnection(session));
    guard.onPort(http2Server);
    http2Server.on(
      'stream',
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => {
        const error = check(headers, guard);
        if (error) reject(stream, headers[':path'] ?? '', { error, guard });
        else
          for (const listener of listeners) Reflect.apply(listener, http2Server, [stream, headers, ...rest]);
      },
    );
  });
}

function check(
  headers: IncomingHttpHeaders,
  { paths, maxMetadataBytes }: RequestGuard,
): AppError | undefined {
  const path = headers[':path'] ?? '';
  if (!paths.has(path))
    return new AppError({ reason: 'METHOD_NOT_FOUND', message: 'the server does not implement this method' });
  const bytes = metadataBytes(headers);
  if (bytes > maxMetadataBytes)
    return new AppError({
      reason: 'METADATA_TOO_LARGE',
      message: `the metadata has ${bytes} bytes, the limit is ${maxMetadataBytes}`,
      metadata: { limit_bytes: String(maxMetadataBytes) },
    });
  return checkTimeout(headers);
}

function checkTimeout(headers: IncomingHttpHeaders): AppError | undefined {
  const timeout = headers['grpc-timeout'];
  if (timeout === undefined) return undefined;
  const normalized = normalizeTimeout(String(timeout));
  if (normalized === undefined)
    return new AppError({
      reason: 'VALIDATION_FAILED',
      message: 'malformed grpc-timeout header',
      fields: [
        { field: 'grpc-timeout', description: 'must be one to eight digits and one of H, M, S, m, u, n' },
      ],
    });
  headers['grpc-timeout'] = normalized;
  return undefined;
}

/** Returns the size of a header list: name, value and 32 bytes for each field (RFC 9113, section 6.5.2). */
function metadataBytes(headers: IncomingHttpHeaders): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    for (const item of Array.isArray(value) ? value : [value ?? '']) bytes += name.length + item.length + 32;
  }
  return bytes;
}

function reject(
  stream: ServerHttp2Stream,
  path: string,
  { error, guard }: { readonly error: AppError; readonly guard: RequestGuard },
): void {
  const { code, details, metadata } = toServiceError(error);
  stream.on('error', () => undefined);
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc+proto',
      'grpc-status': code,
      'grpc-message': encodeURI(details),
      ...metadata?.toHttp2Headers(),
    },
    { endStream: true },
  );
  // An unread request body would keep the stream half open.
  stream.resume();
  guard.onRejected(guard.paths.has(path) ? path.slice(1) : 'unknown', error);
}
