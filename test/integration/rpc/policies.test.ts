import { randomBytes } from 'node:crypto';
import { SpanKind } from '@opentelemetry/api';
import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { AppError, type Reason } from '../../../pkg/errors/index.js';
import { handler, statusOf } from '../../../pkg/rpc/index.js';
import {
  EchoServiceService,
  invalidText,
  withoutValidation,
  validated,
  type Echo,
} from '../../support/rpc/echo-service.js';
import { frame, rawCall, serialized } from '../../support/rpc/raw-call.js';
import { spansOf } from '../../support/rpc/span-recorder.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';

/** Starts a server that records in `seen` which policies and handlers a call reaches. */
async function startRecordingServer(seen: string[]): Promise<TestServer> {
  const parse = (request: Echo): string => {
    seen.push('validation');
    return validated(request);
  };
  const respond = (text: string): Echo => {
    seen.push('handler');
    if (text === 'fail') throw new AppError({ reason: 'OUT_OF_STOCK', message: 'out of stock' });
    return { text };
  };
  return startTestServer({
    authorize: ({ metadata }) => {
      seen.push('authorization');
      if (metadata.get('denied').length === 0) return;
      throw new AppError({ reason: 'PERMISSION_DENIED', message: 'not allowed' });
    },
    handlers: {
      say: handler(parse, async (text) => respond(text)),
      repeat: handler(parse, async function* repeat(text) {
        yield respond(text);
      }),
      collect: handler(withoutValidation, async () => respond('collected')),
      chat: handler(withoutValidation, async function* chat() {
        yield respond('chatted');
      }),
    },
  });
}

interface Rejection {
  readonly by: string;
  readonly method: keyof typeof EchoServiceService;
  readonly text?: string;
  readonly headers?: Record<string, string>;
  readonly reason: Reason;
  readonly seen: readonly string[];
}

const sequence = ['authorization', 'validation', 'handler'];

const rejections: readonly Rejection[] = [
  // The policies of a method with a request stream run before the first message of the stream. The policies of other
  // methods may run only after a deadline of 4 ms has expired, so the deadline policy is not tested with them.
  ...(['collect', 'chat'] as const).map((method) => ({
    by: 'deadline',
    method,
    headers: { 'grpc-timeout': '4m' },
    reason: 'DEADLINE_TOO_SHORT' as const,
    seen: [],
  })),
  ...(['say', 'repeat'] as const).flatMap((method) => [
    {
      by: 'authorization',
      method,
      headers: { denied: 'yes' },
      reason: 'PERMISSION_DENIED' as const,
      seen: sequence.slice(0, 1),
    },
    {
      by: 'validation',
      method,
      text: invalidText,
      reason: 'VALIDATION_FAILED' as const,
      seen: sequence.slice(0, 2),
    },
    { by: 'handler', method, text: 'fail', reason: 'OUT_OF_STOCK' as const, seen: sequence },
  ]),
];

describe('the policies before a handler', () => {
  const seen: string[] = [];
  let server: TestServer;

  before(async () => {
    server = await startRecordingServer(seen);
  });
  beforeEach(() => seen.splice(0));
  after(() => server.close());

  for (const kind of ['say', 'repeat'] as const) {
    it(`run once each, in the documented sequence, in a ${kind} call`, async () => {
      await rawCall(server.address, { path: EchoServiceService[kind].path });
      expect(seen).to.deep.equal(sequence);
    });
  }

  for (const { by, method, text = 'hi', headers, reason, seen: expected } of rejections) {
    it(`record a rejection by the ${by} in a ${method} call as a span, a metric and a log line`, async () => {
      const traceId = randomBytes(16).toString('hex');
      const { path } = EchoServiceService[method];
      const status = Status[statusOf[reason]];
      const labels = { service: 'echo-service', method: path.slice(1), status };
      const before = await server.metric('requests_total', labels);

      const response = await rawCall(server.address, {
        path,
        headers: { ...headers, traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
        body: frame(serialized(text)),
      });

      expect(response.error().reason).to.equal(reason);
      expect(seen).to.deep.equal(expected);
      const [span] = await spansOf(traceId, 1);
      expect(span).to.include({ kind: SpanKind.SERVER, name: `grpc.${path.slice(1)}` });
      expect(span?.attributes).to.include({
        'rpc.grpc.status_code': statusOf[reason],
        'grpc.error_name': reason,
      });
      expect(await server.metric('requests_total', labels)).to.equal(before + 1);
      const [line] = await server.logged('call served', { trace_id: traceId });
      expect(line).to.include({ method: path.slice(1), status, span_id: span?.spanContext().spanId });
      expect(response.headers['x-trace-id']).to.equal(traceId);
    });
  }
});
