import { SpanKind } from '@opentelemetry/api';
import { status, type Metadata } from '@grpc/grpc-js';
import { expect } from 'chai';
import { annotateCall } from '../../../pkg/observability/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { handler } from '../../../pkg/rpc/index.js';
import { allOf } from '../../support/rpc/all-of.js';
import { EchoServiceService, invalidText, validated } from '../../support/rpc/echo-service.js';
import { rawCall } from '../../support/rpc/raw-call.js';
import { inTrace, spansOf } from '../../support/rpc/span-recorder.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';

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

  /**
   * Makes a call. Returns its trace id, the `x-trace-id` header of the response, and the two RPC spans of the trace.
   */
  const traced = async (call: (onHeaders: (headers: Metadata) => void) => Promise<unknown>) => {
    let header: unknown;
    const { traceId } = await inTrace(() => call((headers) => ([header] = headers.get('x-trace-id'))));
    const [serverSpan, clientSpan] = await Promise.all(
      [SpanKind.SERVER, SpanKind.CLIENT].map(async (kind) =>
        (await spansOf(traceId, 3)).find((span) => span.kind === kind),
      ),
    );
    return { traceId, header, server: serverSpan, client: clientSpan };
  };

  it('contain a client span and a server span, and have their id in the response header and both log lines', async () => {
    const spans = await traced((onHeaders) => client().say({ text: 'o-1' }, { onHeaders }));
    expect(spans.header).to.equal(spans.traceId);
    expect(spans.server?.parentSpanContext?.spanId).to.equal(spans.client?.spanContext().spanId);
    const [serverLine] = await server.logged('call served', { trace_id: spans.traceId });
    expect(serverLine).to.have.property('span_id', spans.server?.spanContext().spanId);
    const [clientLine] = await server.logged('call made', { trace_id: spans.traceId });
    expect(clientLine).to.have.property('span_id', spans.client?.spanContext().spanId);
  });

  it('have their id in the response headers of a stream', async () => {
    const spans = await traced((onHeaders) => allOf(client().repeat({ text: 'x' }, { onHeaders })));
    expect(spans.header).to.equal(spans.traceId);
    await server.logged('call served', { trace_id: spans.traceId });
    const [clientLine] = await server.logged('call made', { trace_id: spans.traceId });
    expect(clientLine).to.have.property('span_id', spans.client?.spanContext().spanId);
  });

  it('have their id in the response headers of a rejected call, and a server span with the reason', async () => {
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

  it('continue the trace of a client that sends traceparent', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const response = await rawCall(server.address, {
      headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    });
    expect(response.headers['x-trace-id']).to.equal(traceId);
    const [span] = await spansOf(traceId, 1);
    expect(span?.parentSpanContext?.spanId).to.equal('b7ad6b7169203331');
  });

  it('start at the server when the request has no traceparent', async () => {
    const response = await rawCall(server.address);
    const traceId = String(response.headers['x-trace-id']);
    const [span] = await spansOf(traceId, 1);
    expect(span?.parentSpanContext).to.equal(undefined);
    await server.logged('call served', { trace_id: traceId });
  });

  it('contain business identifiers in spans and log lines', async () => {
    const spans = await traced(() => client().say({ text: 'o-2' }));
    expect(spans.server?.attributes).to.include({ 'order.id': 'o-2' });
    const [serverLine] = await server.logged('call served', { trace_id: spans.traceId });
    expect(serverLine).to.include({ order_id: 'o-2', method: path.slice(1), status: 'OK' });
    expect(serverLine?.['duration_ms']).to.be.a('number');
  });

  it('have their id in the log line of a cancelled call', async () => {
    const before = started;
    const cancel = new AbortController();
    const spans = await traced(async () => {
      const call = client().say({ text: 'wait' }, { signal: cancel.signal });
      await waitFor(() => started > before, 'started handler');
      cancel.abort();
      await expectReason(call, 'CANCELLED');
    });
    const [serverLine] = await server.logged('call served', { trace_id: spans.traceId });
    expect(serverLine).to.include({
      status: 'CANCELLED',
      order_id: 'wait',
      span_id: spans.server?.spanContext().spanId,
    });
    expect(spans.server?.attributes).to.include({ 'grpc.error_name': 'CANCELLED' });
  });
});
