import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';

/** Where a process may send its spans. What arrives is kept as it came. */
export interface Collector {
  readonly port: number;
  /** Whether a text, such as the name of a span, is in anything that arrived. */
  has(text: string): boolean;
  close(): Promise<void>;
}

/** A port on which nobody listens. */
export async function deadPort(): Promise<number> {
  const server = createTcpServer();
  const port = await listen(server, 0);
  server.close();
  await once(server, 'close');
  return port;
}

/** Takes OTLP over gRPC, without a look at the bytes. */
export async function otlpCollector(port = 0): Promise<Collector> {
  const bodies: Buffer[] = [];
  const server = new Server();
  const raw = (bytes: Buffer): Buffer => bytes;
  const answer: handleUnaryCall<Buffer, Buffer> = ({ request }, done) => {
    bodies.push(request);
    done(null, Buffer.alloc(0));
  };
  const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
  server.register(path, answer as never, raw, raw, 'unary');
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, at) =>
      error ? reject(error) : resolve(at),
    );
  });
  return { port: bound, has: contains(bodies), close: async () => server.forceShutdown() };
}

/** Takes Jaeger's Thrift over HTTP, without a look at the bytes. */
export async function jaegerCollector(port = 0): Promise<Collector> {
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk));
    request.on('end', () => response.writeHead(202).end());
  });
  const bound = await listen(server, port);
  return {
    port: bound,
    has: contains(bodies),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Takes connections and never says a word. */
export async function silentCollector(): Promise<Collector> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  const port = await listen(server, 0);
  return {
    port,
    has: () => sockets.size > 0,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function listen(server: TcpServer, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function contains(bodies: readonly Buffer[]) {
  return (text: string): boolean => bodies.some((body) => body.includes(text));
}
