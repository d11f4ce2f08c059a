import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { AppError, reasons, type Reason } from '../../pkg/errors/index.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { handler, statusOf } from '../../pkg/rpc/index.js';
import { allOf } from '../../pkg/rpc/testing/all-of.js';
import { validated } from '../../pkg/rpc/testing/echo-service.js';
import { inTrace, spansOf } from '../../pkg/rpc/testing/span-recorder.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';

const faults = new Set([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

const refuse = (reason: string): never => {
  throw new AppError({ reason: reason as Reason, message: `it is ${reason}` });
};

describe('the status of the spans of a call', () => {
  let server: TestServer;

  before(async () => {
    server = await startTestServer({
      handlers: {
        say: handler(validated, async (text) => (text === 'well' ? { text } : refuse(text))),
        repeat: handler(validated, async function* repeat(reason) {
          yield { text: 'first' };
          refuse(reason);
        }),
      },
    });
  });
  after(() => server.close());

  const calls = {
    say: (text: string) => server.client().say({ text }),
    repeat: (text: string) => allOf(server.client().repeat({ text })),
  };
  const statusesAfter = async (call: () => Promise<unknown>, reason: Reason) => {
    const { traceId } = await inTrace(() => expectReason(call(), reason));
    const spans = await spansOf(traceId, 3);
    return [SpanKind.SERVER, SpanKind.CLIENT].map((kind) => spans.find((span) => span.kind === kind));
  };

  for (const [kind, call] of Object.entries(calls))
    for (const reason of reasons) {
      const code = status[statusOf[reason]];
      it(`is ${faults.has(code) ? 'an error' : 'no error'} for ${reason} (${code}) of ${kind}`, async () => {
        const spans = await statusesAfter(() => call(reason), reason);

        for (const span of spans) {
          expect(span?.attributes).to.include({ 'rpc.grpc.status_code': statusOf[reason] });
          expect(span?.status.code).to.equal(faults.has(code) ? SpanStatusCode.ERROR : SpanStatusCode.UNSET);
          expect(span?.attributes['error.type']).to.equal(faults.has(code) ? code : undefined);
        }
      });
    }

  it('is unset for a call that went well', async () => {
    const { traceId } = await inTrace(() => calls.say('well'));
    const spans = await spansOf(traceId, 3);

    for (const span of spans) expect(span.status.code, span.name).to.equal(SpanStatusCode.UNSET);
  });
});
