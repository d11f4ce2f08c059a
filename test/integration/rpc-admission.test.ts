import { expect } from 'chai';
import { HealthService } from '../../pkg/pb/grpc/health/v1/health.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { createClient, handler } from '../../pkg/rpc/index.js';
import { allOf } from '../../pkg/rpc/testing/all-of.js';
import { validated } from '../../pkg/rpc/testing/echo-service.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';

const limit = 3;

describe('a server at its limit of calls', () => {
  let server: TestServer;
  let started = 0;
  let release: () => void;

  beforeEach(async () => {
    started = 0;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    server = await startTestServer({
      config: { maxConcurrentCalls: limit },
      handlers: {
        say: handler(validated, async (text) => {
          started += 1;
          await released;
          return { text };
        }),
        repeat: handler(validated, async function* repeat(text) {
          started += 1;
          await released;
          yield { text };
        }),
      },
    });
  });
  afterEach(() => server.close());

  const kinds = {
    say: (text: string): Promise<unknown> => server.client().say({ text }),
    repeat: (text: string): Promise<unknown> => allOf(server.client().repeat({ text })),
  };

  for (const [kind, call] of Object.entries(kinds))
    it(`refuses one more ${kind} with the time to wait, and takes it once another has ended`, async () => {
      const calls = Array.from({ length: limit }, (_, n) => call(`call ${n}`));
      await waitFor(() => started === limit, 'the handlers to start');
      const error = await expectReason(call('too many'), 'OVERLOADED');
      expect(error.retryAfterMs).to.equal(250);
      const [line] = await server.logged('call served', { status: 'RESOURCE_EXHAUSTED' });
      expect(line).to.have.property('level', 'info');
      release();
      await Promise.all(calls);
      await call('after');
    });

  it('still answers health checks, and calls of the other kind', async () => {
    const calls = Array.from({ length: limit }, () => kinds.say('busy'));
    await waitFor(() => started === limit, 'the handlers to start');
    const health = createClient(HealthService, {
      name: 'health',
      target: server.address,
      timeoutMs: 5000,
      retry: false,
    });
    expect(await health.check({ service: 'liveness' })).to.deep.equal({ status: 1 });
    health.close();
    const stream = kinds.repeat('not unary');
    await waitFor(() => started === limit + 1, 'the stream to start');
    release();
    await Promise.all([...calls, stream]);
  });

  it('gives a place free when its caller has gone and its handler has ended', async () => {
    const hangUp = new AbortController();
    const gone = Array.from({ length: limit }, () =>
      expectReason(server.client().say({ text: 'hi' }, { signal: hangUp.signal }), 'CANCELLED'),
    );
    await waitFor(() => started === limit, 'the handlers to start');
    hangUp.abort();
    await Promise.all(gone);
    release();
    expect(await kinds.say('next')).to.deep.equal({ text: 'next' });
  });
});
