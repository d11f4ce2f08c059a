import { connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import type { ServiceError } from '@grpc/grpc-js';
import { Metadata, type status as Status } from '@grpc/grpc-js';
import type { AppError } from '../../errors/index.js';
import { fromServiceError } from '../error-details.js';
import { EchoServiceService, type Echo } from './echo-service.js';

export interface RawCall {
  readonly path?: string;
  /** Over those of a proper call; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** What follows the headers; default: one message `hello`. With `none yet` the request stays open. */
  readonly body?: Buffer | 'none yet' | undefined;
}

export interface RawAnswer {
  /** Headers and trailers in one. */
  readonly headers: IncomingHttpHeaders;
  /** `grpc-status`, undefined when there is none. */
  readonly code: Status | undefined;
  readonly body: Buffer;
  /** The error as our client would understand it. */
  error(): AppError;
}

/** Makes a call with bare HTTP/2, to say what no gRPC client would. */
export async function rawCall(address: string, { path, headers, body }: RawCall = {}): Promise<RawAnswer> {
  const session = connect(`http://${address}`);
  try {
    const sent = {
      ':method': 'POST',
      ':path': path ?? EchoServiceService.say.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    };
    const given = Object.entries(sent).filter(([, value]) => value !== undefined);
    return await exchange(session.request(Object.fromEntries(given) as OutgoingHttpHeaders), body);
  } finally {
    session.destroy();
  }
}

function exchange(
  stream: ReturnType<ReturnType<typeof connect>['request']>,
  body: RawCall['body'] = frame(serialized('hello')),
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let headers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    const add = (more: IncomingHttpHeaders): void => void (headers = { ...headers, ...more });
    stream.on('response', add).on('trailers', add);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => stream.end());
    stream.on('error', reject);
    stream.on('close', () => resolve(answerOf(headers, Buffer.concat(chunks))));
    if (body !== 'none yet') stream.end(body);
  });
}

function answerOf(headers: IncomingHttpHeaders, body: Buffer): RawAnswer {
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

/** A message with its gRPC prefix: whether it is compressed, and its length. */
export function frame(message: Buffer, isCompressed = false): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(isCompressed ? 1 : 0, 0);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

export function serialized(text: string): Buffer {
  return EchoServiceService.say.requestSerialize({ text } satisfies Echo);
}
