import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { expectReason } from '../../support/expect-reason.js';
import { handler, type CallOptions } from '../../../pkg/rpc/index.js';
import { allOf } from '../../support/rpc/all-of.js';
import { EchoServiceService, withoutValidation, validated } from '../../support/rpc/echo-service.js';
import { rawCall, type RawResponse } from '../../support/rpc/raw-call.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';

const never = new Promise<never>(() => undefined);
const minuteMs = 60_000;

/** The handlers of `say` and `repeat` respond with their remaining time. For the text `wait`, they never respond. */
function startWaitingServer(): Promise<TestServer> {
  return startTestServer({
    config: { defaultDeadlineMs: minuteMs, maxDeadlineMs: 2 * minuteMs },
    handlers: {
      say: handler(validated, async (text, context) =>
        text === 'wait' ? never : { text: String(context.timeLeftMs()) },
      ),
      repeat: handler(validated, async function* repeat(text, context) {
        if (text === 'wait') await never;
        yield { text: String(context.timeLeftMs()) };
      }),
      collect: handler(withoutValidation, async () => never),
    },
  });
}

describe('deadlines', () => {
  let server: TestServer;

  before(async () => {
    server = await startWaitingServer();
  });
  after(() => server.close());

  const withTimeout = (
    timeout: string | undefined,
    method: 'say' | 'collect' = 'say',
  ): Promise<RawResponse> =>
    rawCall(server.address, {
      path: EchoServiceService[method].path,
      headers: { 'grpc-timeout': timeout },
    });
  const timeLeft = async (timeout?: string): Promise<number> => {
    const { body, code } = await withTimeout(timeout);
    expect(code).to.equal(Status.OK);
    return Number(EchoServiceService.say.responseDeserialize(body.subarray(5)).text);
  };

  it('default to the configured value for unary calls', async () => {
    expect(await timeLeft()).to.be.within(minuteMs - 10_000, minuteMs);
  });

  it('are infinite for streams by default', async () => {
    const [message] = await allOf(server.client().repeat({ text: 'hi' }));
    expect(message?.text).to.equal('Infinity');
  });

  it('are earlier on the server than requested: the difference is the margin', async () => {
    expect(await timeLeft('30S')).to.be.within(20_000, 30_000 - 20);
  });

  for (const timeout of ['3M', '600H', '99999999H', '99999999S'])
    it(`are limited to the maximum for a timeout of ${timeout}`, async () => {
      expect(await timeLeft(timeout)).to.be.within(2 * minuteMs - 10_000, 2 * minuteMs);
    });

  for (const timeout of ['1.5S', '-1S', '+1S', '99999999999S', '', 'S', '5', '5 S', '5s', '0x5S', '1S,1S'])
    it(`are not derived from the malformed timeout "${timeout}": the call is rejected`, async () => {
      const labels = { method: EchoServiceService.say.path.slice(1), status: 'INVALID_ARGUMENT' };
      const before = await server.metric('requests_total', labels);
      const error = (await withTimeout(timeout)).error();
      expect(error).to.have.property('reason', 'VALIDATION_FAILED');
      expect(error.fields.map(({ field }) => field)).to.deep.equal(['grpc-timeout']);
      expect(await server.metric('requests_total', labels)).to.equal(before + 1);
    });

  for (const timeout of ['0S', '1n', '100u', '4m'])
    it(`are too short for a timeout of ${timeout}: the call is rejected`, async () => {
      const response = await withTimeout(timeout, 'collect');
      expect(response.code).to.equal(Status.DEADLINE_EXCEEDED);
      expect(response.error().reason).to.equal('DEADLINE_TOO_SHORT');
    });

  it('end a call whose handler does not return', async () => {
    const response = await rawCall(server.address, {
      path: EchoServiceService.collect.path,
      headers: { 'grpc-timeout': '200m' },
    });
    expect(response.error()).to.include({
      reason: 'DEADLINE_EXCEEDED',
      message: 'the deadline expired before the response',
    });
  });

  const calls = {
    say: (options: CallOptions) => server.client().say({ text: 'wait' }, options),
    repeat: (options: CallOptions) => allOf(server.client().repeat({ text: 'wait' }, options)),
  };
  for (const [kind, call] of Object.entries(calls))
    it(`end a ${kind} call with an error of the server before the timer of the client expires`, async function () {
      // The server ends the call only 20 ms before the client would, which may be too late on a busy machine.
      this.retries(3);
      let traceId: string | undefined;
      const options = {
        timeoutMs: 300,
        onHeaders: (headers: { get(key: string): unknown[] }) => {
          traceId = String(headers.get('x-trace-id')[0]);
        },
      };
      await expectReason(call(options), 'DEADLINE_EXCEEDED');
      expect(traceId, 'x-trace-id header').to.match(/^[0-9a-f]{32}$/);
    });
});
