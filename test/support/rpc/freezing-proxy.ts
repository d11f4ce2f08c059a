import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface FreezingProxy {
  readonly address: string;
  /** Stops forwarding on open and new connections, as a stopped process does; no connection is closed. */
  freeze(): void;
  /** Forwards everything that has arrived. */
  thaw(): void;
  close(): Promise<void>;
}

/** Starts a proxy in front of `target` (`host:port`) that can stop forwarding without closing connections. */
export async function startFreezingProxy(target: string): Promise<FreezingProxy> {
  const port = Number(target.split(':').at(-1));
  const sockets = new Set<Socket>();
  let isFrozen = false;
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined).on('close', () => sockets.delete(from));
      from.on('data', (chunk) => void (to.writable && to.write(chunk)));
      from.on('end', () => to.end());
      if (isFrozen) from.pause();
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    freeze: () => {
      isFrozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw: () => {
      isFrozen = false;
      for (const socket of sockets) socket.resume();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
