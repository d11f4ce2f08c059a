import { connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import type { ServiceError } from '@grpc/grpc-js';
import { Metadata, type status as Status } from '@grpc/grpc-js';
import type { AppError } from '../../../pkg/errors/index.js';
import { fromServiceError } from '../../../pkg/rpc/errors/error-details.js';
import { EchoServiceService, type Echo } from './echo-service.js';

export interface RawCall {
  readonly path?: string;
  /** Overrides of the default headers; undefined omits a header. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Default: one message with the text `hello`. `'none yet'` keeps the request open without a message. */
  readonly body?: Buffer | 'none yet' | undefined;
}

export interface RawResponse {
  /** Headers and trailers. */
  readonly headers: IncomingHttpHeaders;
  /** Value of `grpc-status`; undefined when the header is missing. */
  readonly code: Status | undefined;
  readonly body: Buffer;
  /** Converts the response to the error that a client of `pkg/rpc` receives. */
  error(): AppError;
}

/** Makes a call with raw HTTP/2, for requests that a gRPC client never sends. */
export async function rawCall(address: string, { path, headers, body }: RawCall = {}): Promise<RawResponse> {
  const session = connect(`http://${address}`);
  try {
    const sent = {
      ':method': 'POST',
      ':path': path ?? EchoServiceService.say.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    };
    const present = Object.entries(sent).filter(([, value]) => value !== undefined);
    return await exchange(session.request(Object.fromEntries(present) as OutgoingHttpHeaders), body);
  } finally {
    session.destroy();
  }
}

function exchange(
  stream: ReturnType<ReturnType<typeof connect>['request']>,
  body: RawCall['body'] = frame(serialized('hello')),
): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    let headers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    const add = (more: IncomingHttpHeaders): void => void (headers = { ...headers, ...more });
    stream.on('response', add).on('trailers', add);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => stream.end());
    stream.on('error', reject);
    stream.on('close', () => resolve(responseOf(headers, Buffer.concat(chunks))));
    if (body !== 'none yet') stream.end(body);
  });
}

function responseOf(headers: IncomingHttpHeaders, body: Buffer): RawResponse {
  const status = headers['grpc-status'];
  const code = status === undefined ? undefined : Number(status);
  const details = decodeURI(String(headers['grpc-message'] ?? ''));
  const metadata = Metadata.fromHttp2Headers(headers);
  return {
    headers,
    code,
    body,
    error: () =>
      fromServiceError(Object.assign(new Error(details), { code, details, metadata }) as ServiceError),
  };
}

/** Returns the message with its gRPC prefix: compression flag and length. */
export function frame(message: Buffer, isCompressed = false): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(isCompressed ? 1 : 0, 0);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

export function serialized(text: string): Buffer {
  return EchoServiceService.say.requestSerialize({ text } satisfies Echo);
}
