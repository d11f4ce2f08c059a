import { expect } from 'chai';
import type { AppError } from '../../pkg/errors/index.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { handler, type CallContext } from '../../pkg/rpc/index.js';
import { allOf } from '../../pkg/rpc/testing/all-of.js';
import { EchoServiceService, passOn, validated, type Echo } from '../../pkg/rpc/testing/echo-service.js';
import { frame, rawCall, serialized } from '../../pkg/rpc/testing/raw-call.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { pause } from '../../pkg/runtime/index.js';

const never = new Promise<never>(() => undefined);

describe('a slow reader', () => {
  const messageBytes = 16_384;
  let server: TestServer;
  let produced = 0;
  let isOver = false;

  before(async () => {
    server = await startTestServer({
      handlers: {
        repeat: handler(validated, async function* repeat() {
          try {
            for (;;) {
              produced += 1;
              yield { text: String(produced).padEnd(messageBytes) };
            }
          } finally {
            isOver = true;
          }
        }),
      },
    });
  });
  after(() => server.close());

  /** Waits until the handler has produced nothing for a while, and says how much it has. */
  const producedWhenStill = async (): Promise<number> => {
    let seen = -1;
    await waitFor(async () => {
      seen = produced;
      await pause(100);
      return produced === seen;
    }, 'the handler to pause');
    return seen;
  };

  it('holds the handler back, loses nothing and ends it by leaving', async () => {
    const messages = server.client().repeat({ text: 'go' })[Symbol.asyncIterator]();
    const next = async (): Promise<number> => Number(((await messages.next()).value as Echo).text);
    expect(await next()).to.equal(1);
    const buffered = await producedWhenStill();
    expect(buffered * messageBytes, 'bytes on their way').to.be.lessThan(2_000_000);
    for (let n = 2; n <= 2 * buffered; n += 1) expect(await next()).to.equal(n);
    expect(isOver).to.equal(false);
    await messages.return?.();
    await waitFor(() => isOver, 'the handler to end');
  });
});

describe('the signal of a call', () => {
  /** Calls under way, which end only through their signal; `deaf` ones not even so. */
  const calls: CallContext[] = [];
  const ended: unknown[] = [];
  let server: TestServer;

  const untilAborted = async (text: string, context: CallContext): Promise<Echo> => {
    calls.push(context);
    if (text === 'deaf') await never;
    return new Promise((_resolve, reject) => {
      context.signal.addEventListener('abort', () => {
        ended.push(context.signal.reason);
        reject(context.signal.reason as Error);
      });
    });
  };
  beforeEach(async () => {
    calls.splice(0);
    ended.splice(0);
    server = await startTestServer({
      config: { shutdownTimeoutMs: 200 },
      handlers: {
        say: handler(validated, untilAborted),
        repeat: handler(validated, async function* repeat(text, context) {
          yield { text };
          yield await untilAborted(text, context);
        }),
        chat: handler(passOn, async function* chat(_requests, context) {
          yield await untilAborted('chat', context);
        }),
      },
    });
  });
  afterEach(() => server.close());

  const kinds = {
    say: (text: string, options: object) => server.client().say({ text }, options),
    repeat: (text: string, options: object) => allOf(server.client().repeat({ text }, options)),
  };
  const reasonOf = (error: unknown): unknown => (error as AppError | undefined)?.reason;

  for (const [kind, call] of Object.entries(kinds)) {
    const method = EchoServiceService[kind as keyof typeof kinds].path.slice(1);
    const counted = (status: string) => () =>
      server.metric('requests_total', { method, status }).then((count) => count === 1);

    for (const text of ['heeding', 'deaf'])
      it(`tells a ${text} handler of ${kind} that the caller hung up`, async () => {
        const hangUp = new AbortController();
        const calling = call(text, { signal: hangUp.signal });
        await waitFor(() => calls.length === 1, 'the handler to start');
        hangUp.abort();
        await expectReason(calling, 'CANCELLED');
        await waitFor(() => calls[0]?.aborted !== undefined, 'the handler to be told');
        expect(calls[0]?.aborted?.reason).to.equal('CANCELLED');
        expect(calls[0]?.signal.aborted).to.equal(true);
        await waitFor(counted('CANCELLED'), 'the call to be counted');
        expect(ended.map(reasonOf)).to.deep.equal(text === 'deaf' ? [] : ['CANCELLED']);
      });

    for (const text of ['heeding', 'deaf'])
      it(`tells a ${text} handler of ${kind} that its time is over`, async () => {
        // With bare HTTP/2, because a client with a timer of its own may hang up first.
        const answer = await rawCall(server.address, {
          path: `/${method}`,
          headers: { 'grpc-timeout': '300m' },
          body: frame(serialized(text)),
        });
        expect(answer.error()).to.have.property('reason', 'DEADLINE_EXCEEDED');
        await waitFor(() => calls[0]?.signal.aborted === true, 'the handler to be told');
        expect(reasonOf(calls[0]?.signal.reason)).to.equal('DEADLINE_EXCEEDED');
        await waitFor(counted('DEADLINE_EXCEEDED'), 'the call to be counted');
      });

    for (const text of ['heeding', 'deaf'])
      it(`tells a ${text} handler of ${kind} that the server shuts down`, async () => {
        const calling = expectReason(call(text, {}), 'SHUTTING_DOWN');
        await waitFor(() => calls.length === 1, 'the handler to start');
        await server.close();
        expect((await calling).retryAfterMs).to.be.greaterThan(0);
        expect(reasonOf(calls[0]?.signal.reason)).to.equal('SHUTTING_DOWN');
      });
  }

  it('is not aborted by the end of a call that was answered', async () => {
    await server.close();
    const contexts: CallContext[] = [];
    server = await startTestServer({
      handlers: {
        say: handler(validated, async (text, context) => {
          contexts.push(context);
          return { text };
        }),
      },
    });
    await server.client().say({ text: 'hi' });
    await server.close();
    expect(contexts[0]?.signal.aborted).to.equal(false);
  });

  it('leaves nothing logged as unexpected', async () => {
    const hangUp = new AbortController();
    const calling = kinds.say('heeding', { signal: hangUp.signal });
    await waitFor(() => calls.length === 1, 'the handler to start');
    hangUp.abort();
    await expectReason(calling, 'CANCELLED');
    await server.logged('call served', { status: 'CANCELLED' });
    expect(server.logs.filter(({ level }) => level === 'error')).to.deep.equal([]);
  });
});
