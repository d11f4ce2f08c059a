import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectTo, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { readSettings } from '../../../pkg/config/index.js';
import { addressSettings, createClient, type RpcClient } from '../../../pkg/rpc/index.js';
import { roundRobinConfig, type ResolutionIntervals } from '../../../pkg/rpc/client/load-balancing.js';
import { EchoServiceService } from '../../support/rpc/echo-service.js';
import { testNames } from '../../support/rpc/test-names.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';

const neverMs = 3_600_000;

describe('round robin', () => {
  const opened: { close(): unknown }[] = [];
  let names = 0;
  let name: string;

  beforeEach(() => {
    names += 1;
    name = `echo-${names}`;
  });
  afterEach(async () => {
    for (const resource of opened.splice(0).toReversed()) await resource.close();
  });

  const start = async (): Promise<TestServer> => {
    const server = await startTestServer();
    opened.push(server);
    return server;
  };
  const connect = (intervals: Partial<ResolutionIntervals>): RpcClient<typeof EchoServiceService> => {
    const allIntervals = { disconnectedMs: neverMs, connectedMs: neverMs, ...intervals };
    const config = { loadBalancingConfig: [roundRobinConfig(allIntervals)] };
    const client = createClient(EchoServiceService, {
      name: 'echo',
      target: `test-names:${name}`,
      timeoutMs: 20_000,
      retry: false,
      channelOptions: { 'grpc.service_config': JSON.stringify(config), 'grpc.use_local_subchannel_pool': 1 },
    });
    opened.push(client);
    return client;
  };
  const served = (server: TestServer): Promise<number> =>
    server.metric('requests_total', { method: 'testing.v1.EchoService/Say', status: 'OK' });

  it('connects to the new address of a target whose previous address is unreachable', async () => {
    const silent = await startUnresponsiveServer();
    opened.push(silent);
    const server = await start();
    testNames.set(name, [silent.address]);
    const client = connect({ disconnectedMs: 20 });

    const response = client.say({ text: 'hi' });
    await silent.connected;
    testNames.set(name, [server.address]);

    expect(await response).to.deep.equal({ text: 'hi' });
  });

  it('sends calls to an added replica', async () => {
    const [first, second] = [await start(), await start()];
    testNames.set(name, [first.address]);
    const client = connect({ connectedMs: 20 });
    await client.say({ text: 'hi' });
    testNames.set(name, [first.address, second.address]);

    await waitFor(async () => {
      await client.say({ text: 'hi' });
      return (await served(second)) >= 3;
    }, 'calls of the second replica');
    expect(await served(first)).to.be.greaterThan(1);
  });

  it('sends no calls to a removed address', async () => {
    const [first, second] = [await start(), await start()];
    testNames.set(name, [first.address, second.address]);
    const client = connect({ connectedMs: 20 });
    await client.say({ text: 'hi' });
    testNames.set(name, [second.address]);
    const resolutions = testNames.resolutions(name);
    await waitFor(() => testNames.resolutions(name) >= resolutions + 2, 'two more resolutions');

    const servedBefore = await served(first);
    for (let call = 0; call < 4; call += 1) await client.say({ text: 'hi' });
    expect(await served(first)).to.equal(servedBefore);
  });
});

describe('a target of a service', () => {
  const opened: { close(): unknown }[] = [];
  let servers: readonly TestServer[];

  before(async () => {
    servers = [await startTestServer(), await startTestServer()];
  });
  after(() => Promise.all(servers.map((server) => server.close())));
  afterEach(async () => {
    for (const resource of opened.splice(0)) await resource.close();
  });

  const call = async (target: string): Promise<void> => {
    const parsed = readSettings(
      { ORDER_SERVICE_ADDR: target },
      { ORDER_SERVICE_ADDR: addressSettings.ORDER_SERVICE_ADDR },
    );
    const client = createClient(EchoServiceService, {
      name: 'echo',
      target: parsed.ORDER_SERVICE_ADDR,
      timeoutMs: 20_000,
      retry: false,
      channelOptions: { 'grpc.use_local_subchannel_pool': 1 },
    });
    opened.push(client);
    const counts = (): Promise<number[]> =>
      Promise.all(servers.map((server) => server.metric('requests_total')));
    const before = await counts();
    await waitFor(async () => {
      await client.say({ text: 'hi' });
      const after = await counts();
      return target.includes(',') ? after.every((count, index) => count > (before[index] ?? 0)) : true;
    }, 'calls of all addresses');
  };
  const portOf = (index: number): number => servers[index]?.port ?? 0;

  it('may list several IPv4 addresses', () => call(`ipv4:127.0.0.1:${portOf(0)},127.0.0.1:${portOf(1)}`));
  it('may be an IPv4 address', () => call(`ipv4:127.0.0.1:${portOf(0)}`));
  it('may be a DNS name', () => call(`dns:///localhost:${portOf(0)}`));
  it('may be a DNS name without slashes', () => call(`dns:localhost:${portOf(0)}`));
  it('may be a host and a port', () => call(`localhost:${portOf(0)}`));
  it('may be an IPv6 address', async () => {
    const forwarder = createServer((socket) => socket.pipe(connectTo(portOf(0))).pipe(socket));
    forwarder.listen(0, '::1');
    await once(forwarder, 'listening');
    opened.push(forwarder);
    await call(`ipv6:[::1]:${(forwarder.address() as AddressInfo).port}`);
  });
  it('may be a Unix socket', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'order-processing-target-'));
    const socketPath = path.join(folder, 'echo.sock');
    const forwarder = createServer((socket) => socket.pipe(connectTo(portOf(0))).pipe(socket));
    forwarder.listen(socketPath);
    await once(forwarder, 'listening');
    opened.push(forwarder, { close: () => rm(folder, { recursive: true }) });
    await call(`unix:${socketPath}`);
    await call(`unix://${socketPath}`);
  });
});

interface SilentServer {
  readonly address: string;
  /** Resolves at the first connection. */
  readonly connected: Promise<unknown>;
  close(): void;
}

/** Starts a server that accepts connections and sends no data. Clients treat this server like an unreachable address. */
async function startUnresponsiveServer(): Promise<SilentServer> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connected: once(server, 'connection'),
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
