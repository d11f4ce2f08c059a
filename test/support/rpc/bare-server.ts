import {
  createServer,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';

export interface BareServer {
  readonly address: string;
  close(): Promise<void>;
}

/** Starts an HTTP/2 server, for responses that a gRPC server never sends. */
export async function startBareServer(respond: (stream: ServerHttp2Stream) => void): Promise<BareServer> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined).on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream) => {
    stream.on('error', () => undefined).resume();
    respond(stream);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const session of sessions) session.destroy();
      }),
  };
}

/** Returns a responder that sends one header block, which also ends the response (Trailers-Only in gRPC). */
export function trailersOnly(headers: OutgoingHttpHeaders) {
  return (stream: ServerHttp2Stream): void =>
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...headers }, { endStream: true });
}
