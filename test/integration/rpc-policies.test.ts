import { randomBytes } from 'node:crypto';
import { SpanKind } from '@opentelemetry/api';
import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { AppError, type Reason } from '../../pkg/errors/index.js';
import { handler, statusOf } from '../../pkg/rpc/index.js';
import {
  EchoServiceService,
  invalidText,
  passOn,
  validated,
  type Echo,
} from '../../pkg/rpc/testing/echo-service.js';
import { frame, rawCall, serialized } from '../../pkg/rpc/testing/raw-call.js';
import { spansOf } from '../../pkg/rpc/testing/span-recorder.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';

/** Notes who looked at a call, in order; refuses where it is told to. */
async function startNotingServer(seen: string[]): Promise<TestServer> {
  const parse = (request: Echo): string => {
    seen.push('validation');
    return validated(request);
  };
  const act = (text: string): Echo => {
    seen.push('handler');
    if (text === 'fail') throw new AppError({ reason: 'OUT_OF_STOCK', message: 'nothing left' });
    return { text };
  };
  return startTestServer({
    authorize: ({ metadata }) => {
      seen.push('authorization');
      if (metadata.get('stranger').length === 0) return;
      throw new AppError({ reason: 'PERMISSION_DENIED', message: 'you may not' });
    },
    handlers: {
      say: handler(parse, async (text) => act(text)),
      repeat: handler(parse, async function* repeat(text) {
        yield act(text);
      }),
      collect: handler(passOn, async () => act('collected')),
      chat: handler(passOn, async function* chat() {
        yield act('chatted');
      }),
    },
  });
}

interface Refusal {
  readonly by: string;
  readonly method: keyof typeof EchoServiceService;
  readonly text?: string;
  readonly headers?: Record<string, string>;
  readonly reason: Reason;
  readonly seen: readonly string[];
}

const order = ['authorization', 'validation', 'handler'];

const refusals: readonly Refusal[] = [
  // Those with a stream of requests, because they begin before the first message is read.
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
      headers: { stranger: 'yes' },
      reason: 'PERMISSION_DENIED' as const,
      seen: order.slice(0, 1),
    },
    {
      by: 'validation',
      method,
      text: invalidText,
      reason: 'VALIDATION_FAILED' as const,
      seen: order.slice(0, 2),
    },
    { by: 'handler', method, text: 'fail', reason: 'OUT_OF_STOCK' as const, seen: order },
  ]),
];

describe('the policies before a handler', () => {
  const seen: string[] = [];
  let server: TestServer;

  before(async () => {
    server = await startNotingServer(seen);
  });
  beforeEach(() => seen.splice(0));
  after(() => server.close());

  for (const kind of ['say', 'repeat'] as const) {
    it(`run in their order, each once, on ${kind}`, async () => {
      await rawCall(server.address, { path: EchoServiceService[kind].path });
      expect(seen).to.deep.equal(order);
    });
  }

  for (const { by, method, text = 'hi', headers, reason, seen: expected } of refusals) {
    it(`a refusal by ${by} on ${method} is a span, a metric and a log line`, async () => {
      const traceId = randomBytes(16).toString('hex');
      const { path } = EchoServiceService[method];
      const status = Status[statusOf[reason]];
      const labels = { service: 'echo-service', method: path.slice(1), status };
      const before = await server.metric('requests_total', labels);

      const answer = await rawCall(server.address, {
        path,
        headers: { ...headers, traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
        body: frame(serialized(text)),
      });

      expect(answer.error().reason).to.equal(reason);
      expect(seen, 'who looked at it').to.deep.equal(expected);
      const [span] = await spansOf(traceId, 1);
      expect(span).to.include({ kind: SpanKind.SERVER, name: `grpc.${path.slice(1)}` });
      expect(span?.attributes).to.include({
        'rpc.grpc.status_code': statusOf[reason],
        'grpc.error_name': reason,
      });
      expect(await server.metric('requests_total', labels)).to.equal(before + 1);
      const [line] = await server.logged('call served', { trace_id: traceId });
      expect(line).to.include({ method: path.slice(1), status, span_id: span?.spanContext().spanId });
      expect(answer.headers['x-trace-id']).to.equal(traceId);
    });
  }
});
