import { expect } from 'chai';
import { AppError, type Reason } from '../../../pkg/errors/index.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { handler } from '../../../pkg/rpc/index.js';
import { allOf } from '../../support/rpc/all-of.js';
import { validated } from '../../support/rpc/echo-service.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';

const method = 'testing.v1.EchoService/Say';

/** Starts a server. The next `failing.left` calls of `say` fail with `failing.reason`; later calls succeed. */
async function startFailingServer() {
  const failing = { reason: 'SHUTTING_DOWN' as Reason, left: 0 };
  const attempts = { count: 0, remainingMs: [] as number[] };
  const server = await startTestServer({
    handlers: {
      say: handler(validated, async (text, context) => {
        attempts.count += 1;
        attempts.remainingMs.push(context.timeLeftMs());
        failing.left -= 1;
        if (failing.left >= 0) throw new AppError({ reason: failing.reason, message: 'unavailable' });
        return { text };
      }),
    },
  });
  return { server, failing, attempts };
}

describe('a client', () => {
  let server: TestServer;
  let failing: { reason: Reason; left: number };
  let attempts: { count: number; remainingMs: number[] };

  beforeEach(async () => {
    ({ server, failing, attempts } = await startFailingServer());
  });
  afterEach(() => server.close());

  const fail = (times: number, reason: Reason = 'SHUTTING_DOWN'): void => {
    failing.left = times;
    failing.reason = reason;
  };

  it('retries a call on UNAVAILABLE when `retry` is true', async () => {
    fail(3);
    expect(await server.client({ retry: true }).say({ text: 'hi' })).to.deep.equal({ text: 'hi' });
    expect(attempts.count).to.equal(4);
  });

  it('makes at most four attempts', async () => {
    fail(Infinity);
    await expectReason(server.client({ retry: true }).say({ text: 'hi' }), 'SHUTTING_DOWN');
    expect(attempts.count).to.equal(4);
  });

  it('stops retrying when most calls fail', async () => {
    fail(Infinity);
    const client = server.client({ retry: true });
    const call = (): Promise<Error> => failureOf(client.say({ text: 'hi' }));
    await Promise.all(Array.from({ length: 30 }, call));
    const attemptsBefore = attempts.count;
    expect(attemptsBefore, 'attempts of 30 calls').to.be.lessThan(90);
    await call();
    expect(attempts.count).to.equal(attemptsBefore + 1);
  });

  it('does not retry a call when `retry` is false', async () => {
    fail(1);
    await expectReason(server.client({ retry: false }).say({ text: 'hi' }), 'SHUTTING_DOWN');
    expect(attempts.count).to.equal(1);
  });

  for (const reason of ['OUT_OF_STOCK', 'OVERLOADED', 'CONFLICT', 'INTERNAL'] satisfies Reason[])
    it(`does not retry a call that fails with ${reason}`, async () => {
      fail(1, reason);
      await expectReason(server.client({ retry: true }).say({ text: 'hi' }), reason);
      expect(attempts.count).to.equal(1);
    });

  it('sends the earlier of timeout and deadline', async () => {
    const client = server.client();
    await client.say({ text: 'hi' }, { timeoutMs: 90_000, deadline: Date.now() + 30_000 });
    await client.say({ text: 'hi' }, { timeoutMs: 20_000, deadline: Date.now() + 60_000 });
    await client.say({ text: 'hi' });
    expect(attempts.remainingMs[0]).to.be.within(20_001, 30_000);
    expect(attempts.remainingMs[1]).to.be.within(10_001, 20_000);
    expect(attempts.remainingMs[2]).to.be.within(1000, 10_000);
  });

  it('sends no request when the signal is already aborted', async () => {
    const reason = new AppError({ reason: 'SHUTTING_DOWN', message: 'shutting down' });
    const calls = [
      (signal: AbortSignal) => server.client().say({ text: 'hi' }, { signal }),
      (signal: AbortSignal) => allOf(server.client().repeat({ text: 'hi' }, { signal })),
    ];
    for (const call of calls) {
      expect(await failureOf(call(AbortSignal.abort(reason))), 'the reason of the signal').to.equal(reason);
      await expectReason(call(AbortSignal.abort()), 'CANCELLED');
    }
    expect(attempts.count).to.equal(0);
  });

  it('uses one connection for all calls', async () => {
    const client = server.client();
    await Promise.all(Array.from({ length: 50 }, () => client.say({ text: 'hi' })));
    expect(await server.metric('active_connections')).to.equal(1);
    const others = [server.client(), server.client()];
    await Promise.all(others.map((other) => other.say({ text: 'hi' })));
    expect(await server.metric('active_connections')).to.equal(3);
    for (const other of others) other.close();
    await waitFor(async () => (await server.metric('active_connections')) === 1, 'closed connections');
  });

  it('records counts and durations of its calls by target', async () => {
    const client = server.client({ telemetry: server.telemetry, name: 'echo' });
    fail(1, 'OUT_OF_STOCK');
    await failureOf(client.say({ text: 'hi' }));
    await client.say({ text: 'hi' });
    await allOf(client.repeat({ text: 'hi' }));
    const labels = { service: 'echo-service', target: 'echo', method };
    const count = (status: string) => server.metric('client_requests_total', { ...labels, status });
    expect(await count('OK')).to.equal(1);
    expect(await count('FAILED_PRECONDITION')).to.equal(1);
    expect(await server.metric('client_request_duration_seconds_count', labels)).to.equal(2);
    const repeated = { ...labels, method: 'testing.v1.EchoService/Repeat', status: 'OK' };
    expect(await server.metric('client_requests_total', repeated)).to.equal(1);
  });

  it('balances calls over all addresses of its target', async () => {
    const other = await startTestServer();
    const client = server.client({ target: `ipv4:${server.address},${other.address}`, retry: true });
    const served = () =>
      Promise.all([server, other].map((replica) => replica.metric('requests_total', { method })));
    await waitFor(async () => {
      await client.say({ text: 'hi' });
      return (await served()).every((count) => count > 0);
    }, 'calls of both servers');
    const before = await served();
    for (let call = 1; call <= 20; call += 1) await client.say({ text: 'hi' });
    const after = await served();
    expect(after.map((count, index) => count - (before[index] ?? 0))).to.deep.equal([10, 10]);
    await other.stop();
    for (let call = 1; call <= 10; call += 1) await client.say({ text: 'hi' });
    expect(await served()).to.deep.equal([(after[0] ?? 0) + 10, after[1]]);
    await other.close();
  });
});
