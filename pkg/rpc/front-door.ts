import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { AppError } from '../errors/index.js';
import { normalizeTimeout } from './deadline.js';
import { toServiceError } from './error-details.js';

export interface FrontDoor {
  readonly maxMetadataBytes: number;
  /** Paths that are served, such as `/order.v1.OrderService/GetOrder`. */
  readonly paths: ReadonlySet<string>;
  /** Hears of every call refused here; the method is `unknown` when it is not served. */
  onRefused(method: string, error: AppError): void;
  onConnection(session: ServerHttp2Session): void;
  /** Sees each listening port before its first connection. */
  onPort?(server: Http2Server): void;
}

/**
 * Checks what grpc-js lets through or answers past every interceptor: unknown methods, malformed and
 * overflowing `grpc-timeout` headers, oversized metadata.
 *
 * grpc-js has no hook before its first interceptor, where the raw headers are already gone, so this
 * takes the place of its `stream` listener and passes on what is good.
 */
export function installFrontDoor(server: Server, door: FrontDoor): void {
  const setup: unknown = Reflect.get(server, '_setupHandlers');
  if (typeof setup !== 'function') throw new Error('this version of @grpc/grpc-js has no _setupHandlers');
  Reflect.set(server, '_setupHandlers', (http2Server: Http2Server, interceptors: unknown) => {
    Reflect.apply(setup, server, [http2Server, interceptors]);
    const deliver = http2Server.listeners('stream');
    http2Server.removeAllListeners('stream');
    http2Server.on('session', (session) => door.onConnection(session));
    door.onPort?.(http2Server);
    http2Server.on(
      'stream',
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => {
        const refusal = check(headers, door);
        if (refusal) refuse(stream, headers[':path'] ?? '', { error: refusal, door });
        else for (const listener of deliver) Reflect.apply(listener, http2Server, [stream, headers, ...rest]);
      },
    );
  });
}

function check(headers: IncomingHttpHeaders, { paths, maxMetadataBytes }: FrontDoor): AppError | undefined {
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

/** Size of a header list: name, value and 32 bytes for each field (RFC 9113, section 6.5.2). */
function metadataBytes(headers: IncomingHttpHeaders): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? '']) bytes += name.length + one.length + 32;
  }
  return bytes;
}

function refuse(
  stream: ServerHttp2Stream,
  path: string,
  { error, door }: { readonly error: AppError; readonly door: FrontDoor },
): void {
  const { code, details, metadata } = toServiceError(error);
  stream.once('error', () => undefined);
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
  // The request body is not wanted; without this the stream would stay half open.
  stream.resume();
  door.onRefused(door.paths.has(path) ? path.slice(1) : 'unknown', error);
}
