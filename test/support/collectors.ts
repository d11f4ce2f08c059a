import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { Server, ServerCredentials, type handleUnaryCall } from '@grpc/grpc-js';

/** A fake tracing backend that keeps the received bytes. */
export interface Collector {
  readonly port: number;
  /** Returns true if the received bytes contain `text`, such as the name of a span. */
  has(text: string): boolean;
  close(): Promise<void>;
}

/** Returns a port of 127.0.0.1 on which no process listens. */
export async function freePort(): Promise<number> {
  const server = createTcpServer();
  const port = await listen(server, 0);
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a collector that accepts OTLP over gRPC. The collector does not decode the spans. */
export async function otlpCollector(port = 0): Promise<Collector> {
  const bodies: Buffer[] = [];
  const server = new Server();
  const raw = (bytes: Buffer): Buffer => bytes;
  const handleExport: handleUnaryCall<Buffer, Buffer> = ({ request }, done) => {
    bodies.push(request);
    done(null, Buffer.alloc(0));
  };
  const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
  server.register(path, handleExport as never, raw, raw, 'unary');
  const boundPort = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { port: boundPort, has: contains(bodies), close: async () => server.forceShutdown() };
}

/** Starts a collector that accepts Jaeger Thrift over HTTP. The collector does not decode the spans. */
export async function jaegerCollector(port = 0): Promise<Collector> {
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk));
    request.on('end', () => response.writeHead(202).end());
  });
  const boundPort = await listen(server, port);
  return {
    port: boundPort,
    has: contains(bodies),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Starts a collector that accepts connections and never responds. `has` returns true after the first connection. */
export async function unresponsiveCollector(): Promise<Collector> {
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
