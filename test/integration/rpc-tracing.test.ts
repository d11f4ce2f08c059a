import { SpanKind } from '@opentelemetry/api';
import { status, type Metadata } from '@grpc/grpc-js';
import { expect } from 'chai';
import { annotateCall } from '../../pkg/observability/index.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { handler } from '../../pkg/rpc/index.js';
import { allOf } from '../../pkg/rpc/testing/all-of.js';
import { EchoServiceService, invalidText, validated } from '../../pkg/rpc/testing/echo-service.js';
import { rawCall } from '../../pkg/rpc/testing/raw-call.js';
import { inTrace, spansOf } from '../../pkg/rpc/testing/span-recorder.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';

describe('traces of calls', () => {
  let server: TestServer;
  let started = 0;

  before(async () => {
    server = await startTestServer({
      handlers: {
        say: handler(validated, async (text, { signal }) => {
          annotateCall({ order_id: text }, { 'order.id': text });
          started += 1;
          if (text !== 'wait') return { text };
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          });
        }),
      },
    });
  });
  after(() => server.close());

  const client = () => server.client({ telemetry: server.telemetry });
  const { path } = EchoServiceService.say;

  /** Calls and returns the value of the `x-trace-id` header beside the spans of the trace. */
  const traced = async (call: (onHeaders: (headers: Metadata) => void) => Promise<unknown>) => {
    let header: unknown;
    const { traceId } = await inTrace(() => call((headers) => ([header] = headers.get('x-trace-id'))));
    const [server_, client_] = await Promise.all(
      [SpanKind.SERVER, SpanKind.CLIENT].map(async (kind) =>
        (await spansOf(traceId, 3)).find((span) => span.kind === kind),
      ),
    );
    return { traceId, header, server: server_, client: client_ };
  };

  it('are one from caller to server, named in the header and in both log lines', async () => {
    const spans = await traced((onHeaders) => client().say({ text: 'o-1' }, { onHeaders }));
    expect(spans.header).to.equal(spans.traceId);
    expect(spans.server?.parentSpanContext?.spanId).to.equal(spans.client?.spanContext().spanId);
    const [served] = await server.logged('call served', { trace_id: spans.traceId });
    expect(served).to.have.property('span_id', spans.server?.spanContext().spanId);
    const [made] = await server.logged('call made', { trace_id: spans.traceId });
    expect(made).to.have.property('span_id', spans.client?.spanContext().spanId);
  });

  it('are named in the headers of a stream', async () => {
    const spans = await traced((onHeaders) => allOf(client().repeat({ text: 'x' }, { onHeaders })));
    expect(spans.header).to.equal(spans.traceId);
    await server.logged('call served', { trace_id: spans.traceId });
    const [made] = await server.logged('call made', { trace_id: spans.traceId });
    expect(made).to.have.property('span_id', spans.client?.spanContext().spanId);
  });

  it('are named in the headers of a refusal, which the span records', async () => {
    const spans = await traced((onHeaders) =>
      expectReason(client().say({ text: invalidText }, { onHeaders }), 'VALIDATION_FAILED'),
    );
    expect(spans.header).to.equal(spans.traceId);
    expect(spans.server?.attributes).to.include({
      'grpc.error_name': 'VALIDATION_FAILED',
      'grpc.error_message': 'invalid request: text is invalid',
      'rpc.grpc.status_code': status.INVALID_ARGUMENT,
    });
  });

  it('continue what a caller without our client began', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const answer = await rawCall(server.address, {
      headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    });
    expect(answer.headers['x-trace-id']).to.equal(traceId);
    const [span] = await spansOf(traceId, 1);
    expect(span?.parentSpanContext?.spanId).to.equal('b7ad6b7169203331');
  });

  it('begin at the server when the caller has none', async () => {
    const answer = await rawCall(server.address);
    const traceId = String(answer.headers['x-trace-id']);
    const [span] = await spansOf(traceId, 1);
    expect(span?.parentSpanContext).to.equal(undefined);
    await server.logged('call served', { trace_id: traceId });
  });

  it('carry business identifiers, as the log line does', async () => {
    const spans = await traced(() => client().say({ text: 'o-2' }));
    expect(spans.server?.attributes).to.include({ 'order.id': 'o-2' });
    const [served] = await server.logged('call served', { trace_id: spans.traceId });
    expect(served).to.include({ order_id: 'o-2', method: path.slice(1), status: 'OK' });
    expect(served?.['duration_ms']).to.be.a('number');
  });

  it('are named on the log line of a call that its caller cancels', async () => {
    const before = started;
    const hangUp = new AbortController();
    const spans = await traced(async () => {
      const call = client().say({ text: 'wait' }, { signal: hangUp.signal });
      await waitFor(() => started > before, 'the handler to start');
      hangUp.abort();
      await expectReason(call, 'CANCELLED');
    });
    const [served] = await server.logged('call served', { trace_id: spans.traceId });
    expect(served).to.include({
      status: 'CANCELLED',
      order_id: 'wait',
      span_id: spans.server?.spanContext().spanId,
    });
    expect(spans.server?.attributes).to.include({ 'grpc.error_name': 'CANCELLED' });
  });
});
