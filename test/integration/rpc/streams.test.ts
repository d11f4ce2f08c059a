import { expect } from 'chai';
import type { AppError } from '../../../pkg/errors/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { handler, type CallContext } from '../../../pkg/rpc/index.js';
import { allOf } from '../../support/rpc/all-of.js';
import {
  EchoServiceService,
  withoutValidation,
  validated,
  type Echo,
} from '../../support/rpc/echo-service.js';
import { frame, rawCall, serialized } from '../../support/rpc/raw-call.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';
import { pause } from '../../../pkg/runtime/index.js';

const never = new Promise<never>(() => undefined);

describe('a slow reader', () => {
  const messageBytes = 16_384;
  let server: TestServer;
  let produced = 0;
  let isEnded = false;

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
            isEnded = true;
          }
        }),
      },
    });
  });
  after(() => server.close());

  /** Waits until the handler pauses, and returns the number of messages that it has produced. */
  const producedAtPause = async (): Promise<number> => {
    let lastCount = -1;
    await waitFor(async () => {
      lastCount = produced;
      await pause(100);
      return produced === lastCount;
    }, 'handler pause');
    return lastCount;
  };

  it('slows down the handler, receives all messages and ends the handler by cancellation', async () => {
    const messages = server.client().repeat({ text: 'go' })[Symbol.asyncIterator]();
    const next = async (): Promise<number> => Number(((await messages.next()).value as Echo).text);
    expect(await next()).to.equal(1);
    const buffered = await producedAtPause();
    expect(buffered * messageBytes, 'bytes in transit').to.be.lessThan(2_000_000);
    for (let n = 2; n <= 2 * buffered; n += 1) expect(await next()).to.equal(n);
    expect(isEnded).to.equal(false);
    await messages.return?.();
    await waitFor(() => isEnded, 'handler end');
  });
});

describe('the signal of a call', () => {
  const calls: CallContext[] = [];
  /** Reasons of the aborts that have ended a handler. */
  const ended: unknown[] = [];
  let server: TestServer;

  /** Records the context of the call and waits until the signal aborts; with the text `ignoring`, it waits forever. */
  const untilAborted = async (text: string, context: CallContext): Promise<Echo> => {
    calls.push(context);
    if (text === 'ignoring') await never;
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
        chat: handler(withoutValidation, async function* chat(_requests, context) {
          yield await untilAborted('chat', context);
        }),
      },
    });
  });
  afterEach(() => server.close());

  /** Expected reasons in `ended` after a cancellation, by request text. */
  const reasonsByText = { observing: ['CANCELLED'], ignoring: [] };
  const kinds = {
    say: (text: string, options: object) => server.client().say({ text }, options),
    repeat: (text: string, options: object) => allOf(server.client().repeat({ text }, options)),
  };
  const reasonOf = (error: unknown): unknown => (error as AppError | undefined)?.reason;

  for (const [kind, call] of Object.entries(kinds)) {
    const method = EchoServiceService[kind as keyof typeof kinds].path.slice(1);
    const counted = (status: string) => () =>
      server.metric('requests_total', { method, status }).then((count) => count === 1);

    for (const [text, reasons] of Object.entries(reasonsByText))
      it(`aborts at the cancellation of a ${kind} call whose handler is ${text} the signal`, async () => {
        const cancel = new AbortController();
        const calling = call(text, { signal: cancel.signal });
        await waitFor(() => calls.length === 1, 'started handler');
        cancel.abort();
        await expectReason(calling, 'CANCELLED');
        await waitFor(() => calls[0]?.aborted !== undefined, 'aborted signal');
        expect(calls[0]?.aborted?.reason).to.equal('CANCELLED');
        expect(calls[0]?.signal.aborted).to.equal(true);
        await waitFor(counted('CANCELLED'), 'counted call');
        expect(ended.map(reasonOf)).to.deep.equal(reasons);
      });

    for (const text of Object.keys(reasonsByText))
      it(`aborts at the deadline of a ${kind} call whose handler is ${text} the signal`, async () => {
        // Raw HTTP/2 has no client timer, which could cancel the call before the server responds.
        const response = await rawCall(server.address, {
          path: `/${method}`,
          headers: { 'grpc-timeout': '300m' },
          body: frame(serialized(text)),
        });
        expect(response.error()).to.have.property('reason', 'DEADLINE_EXCEEDED');
        await waitFor(() => calls[0]?.signal.aborted === true, 'aborted signal');
        expect(reasonOf(calls[0]?.signal.reason)).to.equal('DEADLINE_EXCEEDED');
        await waitFor(counted('DEADLINE_EXCEEDED'), 'counted call');
      });

    for (const text of Object.keys(reasonsByText))
      it(`aborts at the shutdown during a ${kind} call whose handler is ${text} the signal`, async () => {
        const calling = expectReason(call(text, {}), 'SHUTTING_DOWN');
        await waitFor(() => calls.length === 1, 'started handler');
        await server.close();
        expect((await calling).retryAfterMs).to.be.greaterThan(0);
        expect(reasonOf(calls[0]?.signal.reason)).to.equal('SHUTTING_DOWN');
      });
  }

  it('does not abort at a shutdown after the response', async () => {
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

  it('causes no error in the log when a call is cancelled', async () => {
    const cancel = new AbortController();
    const calling = kinds.say('observing', { signal: cancel.signal });
    await waitFor(() => calls.length === 1, 'started handler');
    cancel.abort();
    await expectReason(calling, 'CANCELLED');
    await server.logged('call served', { status: 'CANCELLED' });
    expect(server.logs.filter(({ level }) => level === 'error')).to.deep.equal([]);
  });
});
