import { expect } from 'chai';
import { AppError, type Reason } from '../../pkg/errors/index.js';
import { expectReason, failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import { handler } from '../../pkg/rpc/index.js';
import { allOf } from '../../pkg/rpc/testing/all-of.js';
import { validated } from '../../pkg/rpc/testing/echo-service.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';

const method = 'testing.v1.EchoService/Say';

/** Fails the next calls of `say` with one reason, then echoes. */
async function startFailingServer() {
  const failing = { reason: 'SHUTTING_DOWN' as Reason, left: 0 };
  const attempts = { count: 0, timesLeft: [] as number[] };
  const server = await startTestServer({
    handlers: {
      say: handler(validated, async (text, context) => {
        attempts.count += 1;
        attempts.timesLeft.push(context.timeLeftMs());
        failing.left -= 1;
        if (failing.left >= 0) throw new AppError({ reason: failing.reason, message: 'not now' });
        return { text };
      }),
    },
  });
  return { server, failing, attempts };
}

describe('a client', () => {
  let server: TestServer;
  let failing: { reason: Reason; left: number };
  let attempts: { count: number; timesLeft: number[] };

  beforeEach(async () => {
    ({ server, failing, attempts } = await startFailingServer());
  });
  afterEach(() => server.close());

  const fail = (times: number, reason: Reason = 'SHUTTING_DOWN'): void => {
    failing.left = times;
    failing.reason = reason;
  };

  it('repeats a call on UNAVAILABLE when it may', async () => {
    fail(3);
    expect(await server.client({ retry: true }).say({ text: 'hi' })).to.deep.equal({ text: 'hi' });
    expect(attempts.count).to.equal(4);
  });

  it('gives up after four attempts', async () => {
    fail(Infinity);
    await expectReason(server.client({ retry: true }).say({ text: 'hi' }), 'SHUTTING_DOWN');
    expect(attempts.count).to.equal(4);
  });

  it('stops repeating when most calls fail', async () => {
    fail(Infinity);
    const client = server.client({ retry: true });
    const call = (): Promise<Error> => failureOf(client.say({ text: 'hi' }));
    await Promise.all(Array.from({ length: 30 }, call));
    const before = attempts.count;
    expect(before, 'attempts of 30 calls').to.be.lessThan(90);
    await call();
    expect(attempts.count).to.equal(before + 1);
  });

  it('does not repeat a call when it may not', async () => {
    fail(1);
    await expectReason(server.client({ retry: false }).say({ text: 'hi' }), 'SHUTTING_DOWN');
    expect(attempts.count).to.equal(1);
  });

  for (const reason of ['OUT_OF_STOCK', 'OVERLOADED', 'CONFLICT', 'INTERNAL'] satisfies Reason[])
    it(`does not repeat what was answered with ${reason}`, async () => {
      fail(1, reason);
      await expectReason(server.client({ retry: true }).say({ text: 'hi' }), reason);
      expect(attempts.count).to.equal(1);
    });

  it('passes on the time that is left, the earlier of timeout and deadline', async () => {
    const client = server.client();
    await client.say({ text: 'hi' }, { timeoutMs: 90_000, deadline: Date.now() + 30_000 });
    await client.say({ text: 'hi' }, { timeoutMs: 20_000, deadline: Date.now() + 60_000 });
    await client.say({ text: 'hi' });
    expect(attempts.timesLeft[0]).to.be.within(20_001, 30_000);
    expect(attempts.timesLeft[1]).to.be.within(10_001, 20_000);
    expect(attempts.timesLeft[2]).to.be.within(1000, 10_000);
  });

  it('does not begin when its signal is aborted already', async () => {
    const reason = new AppError({ reason: 'SHUTTING_DOWN', message: 'we close' });
    const begin = [
      (signal: AbortSignal) => server.client().say({ text: 'hi' }, { signal }),
      (signal: AbortSignal) => allOf(server.client().repeat({ text: 'hi' }, { signal })),
    ];
    for (const call of begin) {
      expect(await failureOf(call(AbortSignal.abort(reason))), 'the reason of the signal').to.equal(reason);
      await expectReason(call(AbortSignal.abort()), 'CANCELLED');
    }
    expect(attempts.count).to.equal(0);
  });

  it('makes all its calls on one connection', async () => {
    const client = server.client();
    await Promise.all(Array.from({ length: 50 }, () => client.say({ text: 'hi' })));
    expect(await server.metric('active_connections')).to.equal(1);
    const others = [server.client(), server.client()];
    await Promise.all(others.map((other) => other.say({ text: 'hi' })));
    expect(await server.metric('active_connections')).to.equal(3);
    for (const other of others) other.close();
    await waitFor(async () => (await server.metric('active_connections')) === 1, 'connections to close');
  });

  it('counts and times its calls by target', async () => {
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

  it('gives each address of its target its share', async () => {
    const other = await startTestServer();
    const client = server.client({ target: `ipv4:${server.address},${other.address}`, retry: true });
    const served = () => Promise.all([server, other].map((one) => one.metric('requests_total', { method })));
    await waitFor(async () => {
      await client.say({ text: 'hi' });
      return (await served()).every((count) => count > 0);
    }, 'both servers to be used');
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
