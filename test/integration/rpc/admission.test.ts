import { expect } from 'chai';
import { HealthService } from '../../../pkg/pb/grpc/health/v1/health.js';
import { expectReason } from '../../support/expect-reason.js';
import { handler } from '../../../pkg/rpc/index.js';
import { allOf } from '../../support/rpc/all-of.js';
import { validated } from '../../support/rpc/echo-service.js';
import { loneClient } from '../../support/rpc/lone-client.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';

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
    it(`rejects another ${kind} call with a retry delay, and admits new calls after the calls in progress end`, async () => {
      const calls = Array.from({ length: limit }, (_, n) => call(`call ${n}`));
      await waitFor(() => started === limit, 'started handlers');
      const error = await expectReason(call('too many'), 'OVERLOADED');
      expect(error.retryAfterMs).to.equal(250);
      const [line] = await server.logged('call served', { status: 'RESOURCE_EXHAUSTED' });
      expect(line).to.have.property('level', 'info');
      release();
      await Promise.all(calls);
      await call('after');
    });

  it('still serves health checks and streams when unary calls reach the limit', async () => {
    const calls = Array.from({ length: limit }, () => kinds.say('busy'));
    await waitFor(() => started === limit, 'started handlers');
    const health = loneClient(HealthService, server.address);
    expect(await health.check({ service: 'liveness' })).to.deep.equal({ status: 1 });
    health.close();
    const stream = kinds.repeat('not unary');
    await waitFor(() => started === limit + 1, 'started stream');
    release();
    await Promise.all([...calls, stream]);
  });

  it('admits a call after earlier calls are cancelled and their handlers end', async () => {
    const cancel = new AbortController();
    const cancelled = Array.from({ length: limit }, () =>
      expectReason(server.client().say({ text: 'hi' }, { signal: cancel.signal }), 'CANCELLED'),
    );
    await waitFor(() => started === limit, 'started handlers');
    cancel.abort();
    await Promise.all(cancelled);
    release();
    expect(await kinds.say('next')).to.deep.equal({ text: 'next' });
  });
});
