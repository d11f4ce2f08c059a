import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { AppError, reasons, type Reason } from '../../../pkg/errors/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { handler, statusOf } from '../../../pkg/rpc/index.js';
import { allOf } from '../../support/rpc/all-of.js';
import { validated } from '../../support/rpc/echo-service.js';
import { inTrace, spansOf } from '../../support/rpc/span-recorder.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';

const errorCodes = new Set([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

const fail = (reason: string): never => {
  throw new AppError({ reason: reason as Reason, message: `fails with ${reason}` });
};

describe('call span status', () => {
  let server: TestServer;

  before(async () => {
    server = await startTestServer({
      handlers: {
        say: handler(validated, async (text) => (text === 'ok' ? { text } : fail(text))),
        repeat: handler(validated, async function* repeat(reason) {
          yield { text: 'first' };
          fail(reason);
        }),
      },
    });
  });
  after(() => server.close());

  const calls = {
    say: (text: string) => server.client().say({ text }),
    repeat: (text: string) => allOf(server.client().repeat({ text })),
  };
  /** Makes a call that fails with `reason` and returns its server span and its client span. */
  const spansOfFailedCall = async (call: () => Promise<unknown>, reason: Reason) => {
    const { traceId } = await inTrace(() => expectReason(call(), reason));
    const spans = await spansOf(traceId, 3);
    return [SpanKind.SERVER, SpanKind.CLIENT].map((kind) => spans.find((span) => span.kind === kind));
  };

  for (const [kind, call] of Object.entries(calls))
    for (const reason of reasons) {
      const code = status[statusOf[reason]];
      it(`is ${errorCodes.has(code) ? 'ERROR' : 'UNSET'} when ${kind} fails with ${reason} (${code})`, async () => {
        const spans = await spansOfFailedCall(() => call(reason), reason);

        for (const span of spans) {
          expect(span?.attributes).to.include({ 'rpc.grpc.status_code': statusOf[reason] });
          expect(span?.status.code).to.equal(
            errorCodes.has(code) ? SpanStatusCode.ERROR : SpanStatusCode.UNSET,
          );
          expect(span?.attributes['error.type']).to.equal(errorCodes.has(code) ? code : undefined);
        }
      });
    }

  it('is UNSET for a successful call', async () => {
    const { traceId } = await inTrace(() => calls.say('ok'));
    const spans = await spansOf(traceId, 3);

    for (const span of spans) expect(span.status.code, span.name).to.equal(SpanStatusCode.UNSET);
  });
});
