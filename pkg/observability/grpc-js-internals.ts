import type { Http2Server } from 'node:http2';
import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import { Server, ServerInterceptingCall, type ServerInterceptingCallInterface } from '@grpc/grpc-js';
// oxlint-disable-next-line no-restricted-imports -- grpc-js does not export this class
import { BaseServerInterceptingCall } from '@grpc/grpc-js/build/src/server-interceptors.js';

/** Private fields of grpc-js that this file reads or replaces (docs/adr/0011-grpc-js-internals.md). */
const privateFields = {
  /** Method of `Server` that adds the listeners of grpc-js to a new HTTP/2 server. */
  setupHandlers: '_setupHandlers',
  /** Call that a `ServerInterceptingCall` wraps. */
  nextCall: 'nextCall',
  /** HTTP/2 stream of a `BaseServerInterceptingCall`. */
  stream: 'stream',
} as const;

/** Objects of grpc-js whose private fields are checked. */
export interface GrpcJsObjects {
  readonly server: object;
  readonly interceptingCall: object;
  readonly innermostCall: object;
}

/**
 * Checks that the installed version of grpc-js has the private fields that this file uses.
 * @throws Error that names the version and the missing field
 */
export function checkGrpcJsInternals(objects: GrpcJsObjects = createObjects()): void {
  const { server, interceptingCall, innermostCall } = objects;
  if (typeof Reflect.get(server, privateFields.setupHandlers) !== 'function')
    throw missingField(`Server.${privateFields.setupHandlers}`);
  if (typeof Reflect.get(interceptingCall, privateFields.nextCall) !== 'object')
    throw missingField(`ServerInterceptingCall.${privateFields.nextCall}`);
  if (typeof Reflect.get(innermostCall, privateFields.stream) !== 'object')
    throw missingField(`BaseServerInterceptingCall.${privateFields.stream}`);
}

function createObjects(): GrpcJsObjects {
  const innermostCall = new BaseServerInterceptingCall(
    new PassThrough() as never,
    {},
    null,
    { path: '' } as never,
    {},
  );
  return {
    server: new Server({ 'grpc.enable_channelz': 0 }),
    interceptingCall: new ServerInterceptingCall(innermostCall),
    innermostCall,
  };
}

function missingField(field: string): Error {
  const { version } = createRequire(import.meta.url)('@grpc/grpc-js/package.json') as { version: string };
  return new Error(
    `@grpc/grpc-js ${version} has no private field ${field}: install the version in package-lock.json`,
  );
}

/**
 * Calls `prepare` with the HTTP/2 server of each port of `server`, after grpc-js has added its listeners and before
 * the first connection.
 */
export function onHttp2Server(server: Server, prepare: (http2Server: Http2Server) => void): void {
  const setUp = Reflect.get(server, privateFields.setupHandlers) as (...args: readonly unknown[]) => void;
  Reflect.set(server, privateFields.setupHandlers, (http2Server: Http2Server, ...rest: unknown[]) => {
    Reflect.apply(setUp, server, [http2Server, ...rest]);
    prepare(http2Server);
  });
}

/**
 * Returns the call below all interceptors. The returned call sends every status, including statuses that grpc-js
 * creates.
 */
export function innermostOf(call: ServerInterceptingCallInterface): ServerInterceptingCallInterface {
  const next: unknown = Reflect.get(call, privateFields.nextCall);
  return next === undefined ? call : innermostOf(next as ServerInterceptingCallInterface);
}

/** Returns true when the stream of an innermost call is closed; grpc-js then drops the status of the call. */
export function isStreamDestroyed(innermost: ServerInterceptingCallInterface): boolean {
  const stream = Reflect.get(innermost, privateFields.stream) as { readonly destroyed: boolean } | undefined;
  return stream?.destroyed === true;
}
