import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { expect } from 'chai';
import { expectReason } from '../../support/expect-reason.js';
import { handler, type ServerConfig } from '../../../pkg/rpc/index.js';
import { EchoServiceService, withoutValidation, validated } from '../../support/rpc/echo-service.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';

const never = new Promise<never>(() => undefined);

describe('shutdown of a server', () => {
  let server: TestServer;
  let started = 0;
  let release: () => void;

  /** Starts a server whose handler of `say` waits for `release`, except for the text `quick`. */
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
        collect: handler(withoutValidation, () => never),
      },
    });
    await waitFor(() => server.health.serving, 'ready server');
  };
  afterEach(() => {
    release();
    return server.close();
  });

  it('reports NOT_SERVING and still serves during the shutdown delay', async () => {
    await start({ shutdownDelayMs: 400 });
    const client = server.client();
    let isClosed = false;
    const closing = server.close().then(() => (isClosed = true));
    expect(server.health.serving).to.equal(false);
    expect(await client.say({ text: 'quick' })).to.deep.equal({ text: 'quick' });
    expect(isClosed).to.equal(false);
    await closing;
  });

  it('sends GOAWAY immediately and serves clients that reconnect', async () => {
    await start({ shutdownDelayMs: 400 });
    const session = connect(`http://${server.address}`);
    await once(session, 'connect');
    const goaway = once(session, 'goaway');
    const closing = server.close();
    await goaway;
    expect(await server.client().say({ text: 'quick' })).to.deep.equal({ text: 'quick' });
    await closing;
  });

  it('completes the calls in progress', async () => {
    await start({});
    const calls = [1, 2, 3].map((n) => server.client().say({ text: `call ${n}` }));
    await waitFor(() => started === 3, 'started handlers');
    const closing = server.close();
    release();
    expect(await Promise.all(calls)).to.deep.equal([1, 2, 3].map((n) => ({ text: `call ${n}` })));
    await closing;
  });

  it('ends open streams immediately with SHUTTING_DOWN', async () => {
    await start({ shutdownTimeoutMs: 60_000 });
    const messages = server.client().repeat({ text: 'first' })[Symbol.asyncIterator]();
    expect(await messages.next()).to.deep.equal({ done: false, value: { text: 'first' } });
    const closing = server.close();
    const error = await expectReason(messages.next(), 'SHUTTING_DOWN');
    expect(error.retryAfterMs).to.be.greaterThan(0);
    await closing;
  });

  it('ends unary calls with SHUTTING_DOWN after the timeout', async () => {
    await start({ shutdownTimeoutMs: 200 });
    const call = server.client().say({ text: 'slow' });
    await waitFor(() => started === 1, 'started handler');
    const closing = server.close();
    await expectReason(call, 'SHUTTING_DOWN');
    await closing;
    await server.logged('call served', { status: 'UNAVAILABLE' });
  });

  it('fails new calls after the shutdown', async () => {
    await start({});
    const client = server.client();
    await client.say({ text: 'quick' });
    await server.stop();
    await expectReason(client.say({ text: 'quick' }), 'DEPENDENCY_UNAVAILABLE');
  });

  describe('is not delayed', () => {
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
      await waitFor(async () => (await server.metric('active_connections')) === 1, 'connection');
      await server.close();
      expect(await server.metric('active_connections')).to.equal(0);
    });

    for (const kind of ['say', 'collect'] as const)
      it(`by a ${kind} call without a request message`, async () => {
        await start({ shutdownTimeoutMs: 200 });
        const { path } = EchoServiceService[kind];
        const stream = connection().request({
          ':method': 'POST',
          ':path': path,
          'content-type': 'application/grpc',
        });
        stream.on('error', () => undefined);
        await waitFor(async () => (await server.metric('active_connections')) === 1, 'connection');
        await server.close();
        expect(await server.metric('active_connections')).to.equal(0);
      });
  });
});
