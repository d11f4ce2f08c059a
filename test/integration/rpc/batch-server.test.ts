import { SpanKind } from '@opentelemetry/api';
import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { AppError } from '../../../pkg/errors/index.js';
import { annotateCall } from '../../../pkg/observability/index.js';
import type { ItemContext } from '../../../pkg/pb/rpc/v1/batch.js';
import { fromStatus, type CallContext, type CallOptions } from '../../../pkg/rpc/index.js';
import { allOf } from '../../support/rpc/all-of.js';
import { BatchEchoServiceService, batchEchoService } from '../../support/rpc/batch-echo-service.js';
import { invalidText, type Echo } from '../../support/rpc/echo-service.js';
import { expectReason } from '../../support/expect-reason.js';
import { loneClient } from '../../support/rpc/lone-client.js';
import { frame, rawCall } from '../../support/rpc/raw-call.js';
import { recentSpans, spansOf } from '../../support/rpc/span-recorder.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';

const limit = 8;
const say = BatchEchoServiceService.say.path.slice(1);
const batchSay = BatchEchoServiceService.batchSay.path.slice(1);

/** Handles the texts `wait` (until the call is aborted), `hold` (until `release`) and `missing`. */
class Handler {
  readonly started: CallContext[] = [];
  release = (): void => undefined;
  readonly #released = new Promise<void>((resolve) => {
    this.release = resolve;
  });

  async say(text: string, call: CallContext): Promise<Echo> {
    this.started.push(call);
    annotateCall({ text }, { 'order.id': text });
    if (text === 'missing') throw new AppError({ reason: 'ORDER_NOT_FOUND', message: 'no such order' });
    if (text === 'hold') await this.#released;
    if (text !== 'wait') return { text };
    return new Promise((_resolve, reject) => {
      call.signal.addEventListener('abort', () => reject(call.signal.reason as Error));
    });
  }
}

describe('a batch method', () => {
  let server: TestServer;
  let handler: Handler;
  let client: ReturnType<typeof loneClient<typeof BatchEchoServiceService>>;
  let denied: boolean;

  beforeEach(async () => {
    handler = new Handler();
    denied = false;
    server = await startTestServer({
      config: { maxConcurrentCalls: limit },
      services: [batchEchoService((text, call) => handler.say(text, call))],
      authorize: ({ method }) => {
        if (denied) throw new AppError({ reason: 'PERMISSION_DENIED', message: `not ${method}` });
      },
    });
    client = loneClient(BatchEchoServiceService, server.address);
  });
  afterEach(async () => {
    handler.release();
    client.close();
    await server.close();
  });

  const send = (texts: readonly string[], contexts = texts.map(() => ({})), options: CallOptions = {}) =>
    client.batchSay({ requests: texts.map((text) => ({ text })), contexts }, options);

  /** Sends a batch. Returns the response of each item, or the reason of its error. */
  const outcomes = async (...call: Parameters<typeof send>): Promise<unknown[]> => {
    const results: unknown[] = [];
    for await (const message of send(...call))
      for (const { index, outcome } of message.results)
        results[index] =
          outcome?.$case === 'response' ? outcome.value.text : outcome && fromStatus(outcome.value).reason;
    return results;
  };

  it('returns a result for each item', async () => {
    expect(await outcomes(['a', 'missing', invalidText, 'b'])).to.deep.equal([
      'a',
      'ORDER_NOT_FOUND',
      'VALIDATION_FAILED',
      'b',
    ]);
  });

  it('returns the status of a failed item with its details', async () => {
    const [message] = await allOf(send([invalidText]));
    const outcome = message?.results[0]?.outcome;
    expect(outcome?.$case === 'status' && fromStatus(outcome.value)).to.deep.include({
      reason: 'VALIDATION_FAILED',
      message: 'invalid request: text is invalid',
      fields: [{ field: 'text', description: 'is invalid' }],
    });
  });

  it('sends the results that are ready while other items are in progress', async () => {
    const indexes: number[] = [];
    for await (const { results } of send(['hold', 'a', 'b'])) {
      indexes.push(...results.map(({ index }) => index));
      if (indexes.length === 2) handler.release();
    }
    expect(indexes).to.deep.equal([1, 2, 0]);
  });

  it('ends an item at its own deadline', async () => {
    const contexts = [{ timeout: { seconds: 0n, nanos: 50_000_000 } }, {}];
    const sent = outcomes(['wait', 'hold'], contexts);
    await waitFor(() => handler.started[0]?.aborted !== undefined, 'end of the first item');
    handler.release();
    expect(await sent).to.deep.equal(['DEADLINE_EXCEEDED', 'hold']);
    expect(handler.started[1]?.timeLeftMs()).to.be.greaterThan(1000);
  });

  it('gives an item without a deadline the deadline of the call', async () => {
    const deadline = Date.now() + 5000;
    await outcomes(['a'], [{}], { deadline });
    expect(handler.started[0]?.deadline).to.be.lessThan(deadline + 5000);
  });

  it('cancels all items when the caller cancels the call', async () => {
    const cancel = new AbortController();
    const sent = outcomes(['wait', 'wait'], [{}, {}], { signal: cancel.signal });
    await waitFor(() => handler.started.length === 2, 'started items');
    cancel.abort();
    await expectReason(sent, 'CANCELLED');
    await waitFor(() => handler.started.every(({ aborted }) => aborted?.reason === 'CANCELLED'), 'cancelled');
    const lines = await server.logged('call served', { method: say, status: 'CANCELLED' });
    expect(lines).to.have.length(2);
  });

  it('admits items up to the limit of calls', async () => {
    const sent = outcomes(Array.from({ length: limit + 2 }, () => 'hold'));
    await waitFor(() => handler.started.length === limit, 'started items');
    await expectReason(client.say({ text: 'another' }), 'OVERLOADED');
    handler.release();
    expect(await sent).to.deep.equal([
      ...Array.from({ length: limit }, () => 'hold'),
      'OVERLOADED',
      'OVERLOADED',
    ]);
  });

  it('finishes the items in progress during a shutdown', async () => {
    const sent = outcomes(['hold', 'a']);
    await waitFor(() => handler.started.length === 2, 'started items');
    const stopped = server.stop();
    await waitFor(() => !server.health.serving, 'start of the shutdown');
    handler.release();
    expect(await sent).to.deep.equal(['hold', 'a']);
    await stopped;
  });

  describe('is observed by items:', () => {
    const parents = ['a', 'b'].map((digit) => ({ traceId: digit.repeat(32), spanId: digit.repeat(16) }));
    const contexts = parents.map(({ traceId, spanId }) => ({ traceparent: `00-${traceId}-${spanId}-01` }));

    it('each item continues the trace of its caller, and the call has no span', async () => {
      await outcomes(['a', 'missing'], contexts);
      const [first, second] = await Promise.all(
        parents.map(async ({ traceId }) => (await spansOf(traceId, 1)).at(-1)),
      );
      expect(first).to.deep.include({ name: `grpc.${say}`, kind: SpanKind.SERVER });
      expect(first?.parentSpanContext?.spanId).to.equal(parents[0]?.spanId);
      expect(first?.attributes).to.include({ 'order.id': 'a', 'rpc.grpc.status_code': 0 });
      expect(second?.attributes).to.include({ 'order.id': 'missing', 'grpc.error_name': 'ORDER_NOT_FOUND' });
      expect(recentSpans().filter(({ name }) => name.includes('BatchSay'))).to.deep.equal([]);
    });

    it('each item has a log line, and a served call has a line at debug', async () => {
      await outcomes(['a', 'missing'], contexts);
      const [first] = await server.logged('call served', { method: say, status: 'OK' });
      expect(first).to.include({ level: 'info', text: 'a', trace_id: parents[0]?.traceId });
      const [second] = await server.logged('call served', { method: say, status: 'NOT_FOUND' });
      expect(second).to.include({ details: 'no such order', trace_id: parents[1]?.traceId });
      const [call] = await server.logged('call served', { method: batchSay });
      expect(call).to.include({ level: 'debug', status: 'OK' });
    });

    it('items are counted as calls, and calls apart', async () => {
      await outcomes(['a', 'b', 'missing']);
      await server.logged('call served', { method: batchSay });
      expect(await server.metric('requests_total', { method: say, status: 'OK' })).to.equal(2);
      expect(await server.metric('requests_total', { method: say, status: 'NOT_FOUND' })).to.equal(1);
      expect(await server.metric('request_duration_seconds_count', { method: say })).to.equal(3);
      expect(await server.metric('requests_total', { method: batchSay })).to.equal(0);
      expect(await server.metric('batch_calls_total', { method: batchSay, status: 'OK' })).to.equal(1);
    });
  });

  describe('rejects', () => {
    const none: ItemContext[] = [];
    const invalid: Readonly<Record<string, { texts: string[]; contexts?: ItemContext[]; problem: string }>> =
      {
        'an empty batch': { texts: [], problem: 'requests must have 1 to 64 items' },
        'more than 64 items': {
          texts: Array.from({ length: 65 }, () => 'a'),
          problem: 'requests must have 1 to 64 items',
        },
        'another number of contexts': {
          texts: ['a'],
          contexts: none,
          problem: 'contexts must have as many items as requests',
        },
      };
    for (const [name, { texts, contexts, problem }] of Object.entries(invalid))
      it(name, async () => {
        const error = await expectReason(outcomes(texts, contexts), 'VALIDATION_FAILED');
        expect(error.message).to.equal(`invalid batch: ${problem}`);
        expect(handler.started).to.deep.equal([]);
        await server.logged('call served', { method: batchSay, status: 'INVALID_ARGUMENT' });
        expect(await server.metric('batch_calls_total', { status: 'INVALID_ARGUMENT' })).to.equal(1);
      });

    it('more than 256 KiB', async () => {
      await expectReason(outcomes(['a', 'a'.repeat(256 * 1024)]), 'MESSAGE_TOO_LARGE');
      expect(handler.started).to.deep.equal([]);
    });

    it('bytes that are not a batch', async () => {
      const { path } = BatchEchoServiceService.batchSay;
      const { code } = await rawCall(server.address, { path, body: frame(Buffer.from([0x0a, 0x05, 0x01])) });
      expect(code).to.equal(status.INVALID_ARGUMENT);
    });

    it('a caller that may not call the unary method', async () => {
      denied = true;
      expect(await outcomes(['a', 'b'])).to.deep.equal(['PERMISSION_DENIED', 'PERMISSION_DENIED']);
      const error = await expectReason(outcomes([]), 'PERMISSION_DENIED');
      expect(error.message).to.equal(`not ${say}`);
      expect(handler.started).to.deep.equal([]);
    });
  });
});
