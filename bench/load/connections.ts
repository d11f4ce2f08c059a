import { once } from 'node:events';
import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';

export interface Answer {
  readonly message: Buffer;
  /** Undefined when the call succeeded. */
  readonly error?: string;
}

const connectionsPerTarget = 4;
const deadlineSeconds = 30;
/** Ends a call that the server does not end at the deadline. */
const streamTimeoutMs = 35_000;
const empty: Buffer = Buffer.alloc(0);

/** Makes unary gRPC calls over HTTP/2 connections without a gRPC library. */
export class Connections {
  readonly #sessions: readonly ClientHttp2Session[];
  #next = 0;

  private constructor(sessions: readonly ClientHttp2Session[]) {
    this.#sessions = sessions;
  }

  static async open(targets: readonly string[]): Promise<Connections> {
    const sessions = targets.flatMap((target) =>
      Array.from({ length: connectionsPerTarget }, () => connect(`http://${target}`)),
    );
    await Promise.all(sessions.map((session) => once(session, 'connect')));
    // Each stream of a lost connection reports the error.
    for (const session of sessions) session.on('error', () => undefined);
    return new Connections(sessions);
  }

  call(path: string, frame: Uint8Array): Promise<Answer> {
    const session = this.#sessions[this.#next++ % this.#sessions.length] as ClientHttp2Session;
    return new Promise((resolve) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        'grpc-timeout': `${deadlineSeconds}S`,
        te: 'trailers',
      });
      let status: string | undefined;
      let failure: string | undefined;
      let body = empty;
      const readStatus = (headers: IncomingHttpHeaders): void => {
        status = headers['grpc-status']?.toString() ?? status;
        if (status !== '0') failure = decodeURIComponent(headers['grpc-message']?.toString() ?? '');
      };
      stream.setTimeout(streamTimeoutMs, () => stream.close(constants.NGHTTP2_CANCEL));
      stream.on('response', readStatus).on('trailers', readStatus);
      stream.on('data', (chunk: Buffer) => (body = body.length === 0 ? chunk : Buffer.concat([body, chunk])));
      stream.on('error', (error) => (failure = error.message));
      stream.on('close', () => {
        if (status === '0') resolve({ message: body.subarray(5) });
        else resolve({ message: empty, error: `gRPC status ${status ?? 'missing'}: ${failure ?? ''}` });
      });
      stream.end(frame);
    });
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
  }
}
