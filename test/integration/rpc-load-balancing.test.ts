import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { createClient, type RpcClient } from '../../pkg/rpc/index.js';
import { roundRobinOver, type Lookups } from '../../pkg/rpc/load-balancing.js';
import { EchoServiceService } from '../../pkg/rpc/testing/echo-service.js';
import { nameBook } from '../../pkg/rpc/testing/name-book.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';

const never = 3_600_000;

describe('round robin', () => {
  const opened: { close(): unknown }[] = [];
  let names = 0;
  let name: string;

  beforeEach(() => {
    names += 1;
    name = `echo-${names}`;
  });
  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) await one.close();
  });

  const start = async (): Promise<TestServer> => {
    const server = await startTestServer();
    opened.push(server);
    return server;
  };
  const connect = (lookups: Partial<Lookups>): RpcClient<typeof EchoServiceService> => {
    const all = { searchMs: never, refreshMs: never, ...lookups };
    const config = { loadBalancingConfig: [roundRobinOver(all)] };
    const client = createClient(EchoServiceService, {
      name: 'echo',
      target: `book:${name}`,
      timeoutMs: 20_000,
      retry: false,
      channelOptions: { 'grpc.service_config': JSON.stringify(config), 'grpc.use_local_subchannel_pool': 1 },
    });
    opened.push(client);
    return client;
  };
  const served = (server: TestServer): Promise<number> =>
    server.metric('requests_total', { method: 'testing.v1.EchoService/Say', status: 'OK' });

  it('finds the replica that has taken the place of one that never answers', async () => {
    const silent = await startSilentServer();
    opened.push(silent);
    const server = await start();
    nameBook.set(name, [silent.address]);
    const client = connect({ searchMs: 20 });

    const waiting = client.say({ text: 'hi' });
    await silent.tried;
    nameBook.set(name, [server.address]);

    expect(await waiting).to.deep.equal({ text: 'hi' });
  });

  it('takes in a replica that is added', async () => {
    const [first, second] = [await start(), await start()];
    nameBook.set(name, [first.address]);
    const client = connect({ refreshMs: 20 });
    await client.say({ text: 'hi' });
    nameBook.set(name, [first.address, second.address]);

    await waitFor(async () => {
      await client.say({ text: 'hi' });
      return (await served(second)) >= 3;
    }, 'the second replica to be called');
    expect(await served(first)).to.be.greaterThan(1);
  });

  it('sends no more calls to an address that is gone', async () => {
    const [first, second] = [await start(), await start()];
    nameBook.set(name, [first.address, second.address]);
    const client = connect({ refreshMs: 20 });
    await client.say({ text: 'hi' });
    nameBook.set(name, [second.address]);
    const asked = nameBook.asked(name);
    await waitFor(() => nameBook.asked(name) >= asked + 2, 'another look');

    const before = await served(first);
    for (let call = 0; call < 4; call += 1) await client.say({ text: 'hi' });
    expect(await served(first)).to.equal(before);
  });
});

interface SilentServer {
  readonly address: string;
  /** Fulfilled when somebody has connected. */
  readonly tried: Promise<unknown>;
  close(): void;
}

/** Takes connections and says nothing, as an address that packets no longer reach. */
async function startSilentServer(): Promise<SilentServer> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    tried: once(server, 'connection'),
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
