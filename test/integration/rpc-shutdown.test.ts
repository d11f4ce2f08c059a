import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { expect } from 'chai';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { handler, type ServerConfig } from '../../pkg/rpc/index.js';
import { EchoServiceService, passOn, validated } from '../../pkg/rpc/testing/echo-service.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';

const never = new Promise<never>(() => undefined);

describe('shutdown of a server', () => {
  let server: TestServer;
  let started = 0;
  let release: () => void;

  /** `say` answers once released, except on `quick`. */
  const start = async (config: Partial<ServerConfig>): Promise<void> => {
    started = 0;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    server = await startTestServer({
      config,
      handlers: {
        say: handler(validated, async (text) => {
          started += 1;
          if (text !== 'quick') await released;
          return { text };
        }),
        repeat: handler(validated, async function* repeat(text) {
          yield { text };
          await never;
        }),
        collect: handler(passOn, () => never),
      },
    });
    await waitFor(() => server.health.serving, 'the server to be ready');
  };
  afterEach(() => {
    release();
    return server.close();
  });

  it('says NOT_SERVING first and still serves while load balancers take notice', async () => {
    await start({ shutdownDelayMs: 400 });
    const client = server.client();
    let isClosed = false;
    const closing = server.close().then(() => (isClosed = true));
    expect(server.health.serving).to.equal(false);
    expect(await client.say({ text: 'quick' })).to.deep.equal({ text: 'quick' });
    expect(isClosed).to.equal(false);
    await closing;
  });

  it('sends clients away at once, and serves those that come again', async () => {
    await start({ shutdownDelayMs: 400 });
    const session = connect(`http://${server.address}`);
    await once(session, 'connect');
    const sentAway = once(session, 'goaway');
    const closing = server.close();
    await sentAway;
    expect(await server.client().say({ text: 'quick' })).to.deep.equal({ text: 'quick' });
    await closing;
  });

  it('lets calls under way finish', async () => {
    await start({});
    const calls = [1, 2, 3].map((n) => server.client().say({ text: `call ${n}` }));
    await waitFor(() => started === 3, 'the handlers to start');
    const closing = server.close();
    release();
    expect(await Promise.all(calls)).to.deep.equal([1, 2, 3].map((n) => ({ text: `call ${n}` })));
    await closing;
  });

  it('ends open streams at once with SHUTTING_DOWN', async () => {
    await start({ shutdownTimeoutMs: 60_000 });
    const messages = server.client().repeat({ text: 'first' })[Symbol.asyncIterator]();
    expect(await messages.next()).to.deep.equal({ done: false, value: { text: 'first' } });
    const closing = server.close();
    const error = await expectReason(messages.next(), 'SHUTTING_DOWN');
    expect(error.retryAfterMs).to.be.greaterThan(0);
    await closing;
  });

  it('ends calls that take longer than the timeout with SHUTTING_DOWN', async () => {
    await start({ shutdownTimeoutMs: 200 });
    const call = server.client().say({ text: 'slow' });
    await waitFor(() => started === 1, 'the handler to start');
    const closing = server.close();
    await expectReason(call, 'SHUTTING_DOWN');
    await closing;
    await server.logged('call served', { status: 'UNAVAILABLE' });
  });

  it('refuses new calls', async () => {
    await start({});
    const client = server.client();
    await client.say({ text: 'quick' });
    await server.stop();
    await expectReason(client.say({ text: 'quick' }), 'DEPENDENCY_UNAVAILABLE');
  });

  describe('is not held up', () => {
    const connections: ClientHttp2Session[] = [];
    const connection = (): ClientHttp2Session => {
      const session = connect(`http://${server.address}`).on('error', () => undefined);
      connections.push(session);
      return session;
    };
    afterEach(() => {
      for (const session of connections.splice(0)) session.destroy();
    });

    it('by idle connections', async () => {
      await start({ shutdownTimeoutMs: 60_000 });
      connection();
      await waitFor(async () => (await server.metric('active_connections')) === 1, 'a connection');
      await server.close();
      expect(await server.metric('active_connections')).to.equal(0);
    });

    for (const kind of ['say', 'collect'] as const)
      it(`by a ${kind} that never sends its request`, async () => {
        await start({ shutdownTimeoutMs: 200 });
        const { path } = EchoServiceService[kind];
        const stream = connection().request({
          ':method': 'POST',
          ':path': path,
          'content-type': 'application/grpc',
        });
        stream.on('error', () => undefined);
        await waitFor(async () => (await server.metric('active_connections')) === 1, 'a connection');
        await server.close();
        expect(await server.metric('active_connections')).to.equal(0);
      });
  });
});
