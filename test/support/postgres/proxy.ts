import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy that can break connections to a server. */
export interface Proxy {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts a proxy in front of `target`. The proxy calls `onRequest` with each chunk that a client sends. If the result
 * is `cut`, the proxy forwards the chunk, drops the response of the server and closes the connection of the client.
 */
export async function startProxy(
  target: string,
  onRequest: (chunk: Buffer) => 'pass' | 'cut' = () => 'pass',
): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    client.on('data', (chunk) => {
      upstream.write(chunk);
      if (onRequest(chunk) === 'pass') return;
      upstream.removeAllListeners('data');
      upstream.once('data', () => client.destroy());
    });
    upstream.on('data', (chunk) => client.write(chunk));
    client.on('end', () => upstream.end());
    upstream.on('end', () => client.end());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const url = new URL(target);
  url.port = String(typeof address === 'object' ? address?.port : '');
  return {
    url: url.href,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}
