import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { handler } from '../../pkg/rpc/index.js';
import { allOf } from '../../pkg/rpc/testing/all-of.js';
import { EchoServiceService, passOn, validated } from '../../pkg/rpc/testing/echo-service.js';
import { rawCall, type RawAnswer } from '../../pkg/rpc/testing/raw-call.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';

const never = new Promise<never>(() => undefined);
const minuteMs = 60_000;

/** Every handler answers with the milliseconds it has left; `wait` makes it never answer. */
function startPatientServer(): Promise<TestServer> {
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
      collect: handler(passOn, async () => never),
    },
  });
}

describe('deadlines', () => {
  let server: TestServer;

  before(async () => {
    server = await startPatientServer();
  });
  after(() => server.close());

  const withTimeout = (timeout: string | undefined, method: 'say' | 'collect' = 'say'): Promise<RawAnswer> =>
    rawCall(server.address, {
      path: EchoServiceService[method].path,
      headers: { 'grpc-timeout': timeout },
    });
  const timeLeft = async (timeout?: string): Promise<number> => {
    const { body, code } = await withTimeout(timeout);
    expect(code).to.equal(Status.OK);
    return Number(EchoServiceService.say.responseDeserialize(body.subarray(5)).text);
  };

  it('are the default where the caller set none', async () => {
    expect(await timeLeft()).to.be.within(minuteMs - 10_000, minuteMs);
  });

  it('are open-ended on a stream where the caller set none', async () => {
    const [message] = await allOf(server.client().repeat({ text: 'hi' }));
    expect(message?.text).to.equal('Infinity');
  });

  it('are a little earlier than the caller asked, so that the answer arrives in time', async () => {
    expect(await timeLeft('30S')).to.be.within(20_000, 30_000 - 20);
  });

  for (const timeout of ['3M', '600H', '99999999H', '99999999S'])
    it(`are cut to the longest allowed when the caller asks for ${timeout}`, async () => {
      expect(await timeLeft(timeout)).to.be.within(2 * minuteMs - 10_000, 2 * minuteMs);
    });

  for (const timeout of ['1.5S', '-1S', '+1S', '99999999999S', '', 'S', '5', '5 S', '5s', '0x5S', '1S,1S'])
    it(`are refused when they are written "${timeout}"`, async () => {
      const labels = { method: EchoServiceService.say.path.slice(1), status: 'INVALID_ARGUMENT' };
      const before = await server.metric('requests_total', labels);
      const error = (await withTimeout(timeout)).error();
      expect(error).to.have.property('reason', 'VALIDATION_FAILED');
      expect(error.fields.map(({ field }) => field)).to.deep.equal(['grpc-timeout']);
      expect(await server.metric('requests_total', labels)).to.equal(before + 1);
    });

  for (const timeout of ['0S', '1n', '100u', '4m'])
    it(`are refused when ${timeout} leaves no time to do anything`, async () => {
      const answer = await withTimeout(timeout, 'collect');
      expect(answer.code).to.equal(Status.DEADLINE_EXCEEDED);
      expect(answer.error().reason).to.equal('DEADLINE_TOO_SHORT');
    });

  it('end a call whose handler never answers', async () => {
    const answer = await rawCall(server.address, {
      path: EchoServiceService.collect.path,
      headers: { 'grpc-timeout': '200m' },
    });
    expect(answer.error()).to.include({
      reason: 'DEADLINE_EXCEEDED',
      message: 'the deadline came before the answer',
    });
  });

  for (const kind of ['say', 'repeat'] as const)
    it(`reach the caller of ${kind} as the server's answer`, async function () {
      // The answer has 20 ms to arrive; a machine that is busy may need a second chance.
      this.retries(3);
      const client = server.client();
      let traceId: string | undefined;
      const options = {
        timeoutMs: 300,
        onHeaders: (headers: { get(key: string): unknown[] }) => {
          traceId = String(headers.get('x-trace-id')[0]);
        },
      };
      const call =
        kind === 'say'
          ? client.say({ text: 'wait' }, options)
          : allOf(client.repeat({ text: 'wait' }, options));
      await expectReason(call, 'DEADLINE_EXCEEDED');
      expect(traceId, 'a header that only the server sends').to.match(/^[0-9a-f]{32}$/);
    });
});
