import { SpanKind } from '@opentelemetry/api';
import {
  Server,
  ServerCredentials,
  status,
  type handleUnaryCall,
  type Metadata,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { expect } from 'chai';
import { AppError } from '../../../pkg/errors/index.js';
import {
  createClient,
  type CallContext,
  type ClientOptions,
  type RpcClient,
} from '../../../pkg/rpc/index.js';
import {
  BatchEchoServiceService,
  batchEchoService,
  unaryEchoService,
  type Say,
} from '../../support/rpc/batch-echo-service.js';
import { invalidText, type Echo } from '../../support/rpc/echo-service.js';
import { expectReason } from '../../support/expect-reason.js';
import { startFreezingProxy } from '../../support/rpc/freezing-proxy.js';
import { inTrace, spansOf } from '../../support/rpc/span-recorder.js';
import { startTestServer, type TestServer, type TestServerOptions } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';

type BatchClient = RpcClient<typeof BatchEchoServiceService>;
type BatchHandler = (
  call: ServerWritableStream<
    unknown,
    ReturnType<typeof BatchEchoServiceService.batchSay.responseDeserialize>
  >,
) => void;

const { say, batchSay } = BatchEchoServiceService;
const unaryName = say.path.slice(1);
const batchName = batchSay.path.slice(1);

describe('a client with batching', () => {
  const closing: (() => unknown)[] = [];
  let started: { text: string; call: CallContext }[];

  beforeEach(() => {
    started = [];
  });
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  const handle: Say = async (text, call) => {
    started.push({ text, call });
    if (text === 'down') throw new AppError({ reason: 'DEPENDENCY_UNAVAILABLE', message: 'down' });
    if (text !== 'wait') return { text };
    return new Promise((_resolve, reject) => {
      call.signal.addEventListener('abort', () => reject(call.signal.reason as Error));
    });
  };

  const startServer = async (options: TestServerOptions = {}): Promise<TestServer> => {
    const server = await startTestServer({ services: [batchEchoService(handle)], ...options });
    closing.push(() => server.close());
    return server;
  };

  const clientOf = (target: string, options: Partial<ClientOptions> = {}): BatchClient => {
    const client = createClient(BatchEchoServiceService, {
      name: 'echo',
      target,
      timeoutMs: 10_000,
      retry: false,
      batching: { maxItems: 64 },
      channelOptions: { 'grpc.use_local_subchannel_pool': 1 },
      ...options,
    });
    closing.push(() => client.close());
    return client;
  };

  const sayAll = (client: BatchClient, ...texts: string[]): Promise<string>[] =>
    texts.map(async (text) => (await client.say({ text })).text);

  const batchCalls = (server: TestServer): Promise<number> =>
    server.metric('batch_calls_total', { status: 'OK' });

  it('sends the calls of one turn of the event loop as one batch', async () => {
    const server = await startServer();
    expect(await Promise.all(sayAll(clientOf(server.address), 'a', 'b', 'c'))).to.deep.equal(['a', 'b', 'c']);
    expect(await batchCalls(server)).to.equal(1);
  });

  it('sends a call that is alone by the unary method', async () => {
    const server = await startServer();
    expect(await Promise.all(sayAll(clientOf(server.address), 'a'))).to.deep.equal(['a']);
    expect(await batchCalls(server)).to.equal(0);
    expect(await server.metric('requests_total', { method: unaryName })).to.equal(1);
  });

  it('sends every call by the unary method when batches have one item', async () => {
    const server = await startServer();
    await Promise.all(sayAll(clientOf(server.address, { batching: { maxItems: 1 } }), 'a', 'b'));
    expect(await batchCalls(server)).to.equal(0);
  });

  it('sends at most 64 items and 256 KiB in one batch', async () => {
    const server = await startServer();
    const client = clientOf(server.address);
    await Promise.all(sayAll(client, ...Array.from({ length: 65 }, (_, n) => `${n}`)));
    expect(await batchCalls(server)).to.equal(1);
    const large = ['x'.repeat(200 * 1024), 'y'.repeat(200 * 1024), 'z'.repeat(300 * 1024)];
    expect(await Promise.all(sayAll(client, ...large))).to.deep.equal(large);
    expect(await batchCalls(server)).to.equal(1);
  });

  it('rejects an item with its own error and details', async () => {
    const server = await startServer({ config: { maxConcurrentCalls: 3 } });
    const [good, invalid, , , over] = sayAll(clientOf(server.address), 'a', invalidText, 'wait', 'b', 'c');
    const error = await expectReason(invalid ?? Promise.reject(new Error('no call')), 'VALIDATION_FAILED');
    expect(error.fields).to.deep.equal([{ field: 'text', description: 'is invalid' }]);
    expect((await expectReason(over ?? Promise.resolve(), 'OVERLOADED')).retryAfterMs).to.equal(250);
    expect(await good).to.equal('a');
  });

  it('ends an item at its own deadline', async () => {
    const server = await startServer();
    const client = clientOf(server.address);
    await Promise.all(sayAll(client, 'connect'));
    const late = client.say({ text: 'wait' }, { timeoutMs: 300 });
    const others = sayAll(client, 'a', 'b');
    await expectReason(late, 'DEADLINE_EXCEEDED');
    expect(await Promise.all(others)).to.deep.equal(['a', 'b']);
    const { call } = started.find(({ text }) => text === 'wait') ?? {};
    await waitFor(() => call?.aborted?.reason === 'DEADLINE_EXCEEDED', 'end of the handler');
  });

  it('cancels a call on the server when no caller waits for its items', async () => {
    const server = await startServer();
    const client = clientOf(server.address);
    const cancels = [new AbortController(), new AbortController()];
    const calls = cancels.map(({ signal }) => client.say({ text: 'wait' }, { signal }));
    const [answered] = sayAll(client, 'a');
    expect(await answered).to.equal('a');
    cancels[0]?.abort();
    await expectReason(calls[0] ?? Promise.resolve(), 'CANCELLED');
    expect(started.map(({ call }) => call.aborted)).to.deep.equal([undefined, undefined, undefined]);
    cancels[1]?.abort(new AppError({ reason: 'SHUTTING_DOWN', message: 'stopping' }));
    await expectReason(calls[1] ?? Promise.resolve(), 'SHUTTING_DOWN');
    await waitFor(() => started.filter(({ call }) => call.aborted).length === 2, 'cancelled handlers');
  });

  it('does not send an item that is cancelled in the same turn', async () => {
    const server = await startServer();
    const client = clientOf(server.address, { telemetry: server.telemetry });
    const cancel = new AbortController();
    const cancelled = client.say({ text: 'cancelled' }, { signal: cancel.signal });
    const others = sayAll(client, 'a', 'b');
    cancel.abort();
    await expectReason(cancelled, 'CANCELLED');
    await Promise.all(others);
    expect(started.map(({ text }) => text)).to.deep.equal(['a', 'b']);
    expect(await server.metric('client_requests_total', { method: unaryName, status: 'CANCELLED' })).to.equal(
      1,
    );
  });

  it('repeats an unavailable item by the unary method if it retries', async () => {
    const server = await startServer();
    const [down, good] = sayAll(clientOf(server.address, { retry: true, timeoutMs: 1000 }), 'down', 'a');
    expect(await good).to.equal('a');
    await expectReason(down ?? Promise.resolve(), 'DEPENDENCY_UNAVAILABLE');
    expect(started.filter(({ text }) => text === 'down')).to.have.length.above(1);
    expect(await batchCalls(server)).to.equal(1);
  });

  it('passes the headers of a call with onHeaders', async () => {
    const server = await startServer();
    const client = clientOf(server.address);
    let traceId: unknown;
    const onHeaders = (headers: Metadata): void => void ([traceId] = headers.get('x-trace-id'));
    await Promise.all([client.say({ text: 'a' }, { onHeaders }), client.say({ text: 'b' })]);
    expect(traceId).to.match(/^[0-9a-f]{32}$/);
  });

  describe('observes items like unary calls:', () => {
    /** Returns client span and server span of one call in a trace of its own, and the log line of the client. */
    const observe = async (server: TestServer, call: () => Promise<unknown>) => {
      const { traceId } = await inTrace(() => call().catch(() => undefined));
      const spans = await spansOf(traceId, 3);
      const spanOf = (kind: SpanKind) => spans.find((span) => span.kind === kind);
      const root = spans.find(({ name }) => name === 'test');
      const [line] = await server.logged('call made', { trace_id: traceId });
      return { root, client: spanOf(SpanKind.CLIENT), server: spanOf(SpanKind.SERVER), line, spans };
    };

    for (const text of ['a', invalidText])
      it(`the spans and the log line of "${text}"`, async () => {
        const server = await startServer();
        const client = clientOf(server.address, { telemetry: server.telemetry });
        const unary = await observe(server, () => client.say({ text }));
        const [first, second] = await Promise.all(
          [text, 'other'].map((sent) => observe(server, () => client.say({ text: sent }))),
        );
        expect(await batchCalls(server)).to.equal(1);
        expect(first?.spans).to.have.length(3);
        expect(first?.client?.parentSpanContext?.spanId).to.equal(first?.root?.spanContext().spanId);
        expect(first?.server?.parentSpanContext?.spanId).to.equal(first?.client?.spanContext().spanId);
        expect(second?.server?.parentSpanContext?.spanId).to.equal(second?.client?.spanContext().spanId);
        for (const side of ['client', 'server'] as const) {
          expect(first?.[side]?.name).to.equal(unary[side]?.name);
          expect(first?.[side]?.status.code).to.equal(unary[side]?.status.code);
          expect(first?.[side]?.attributes).to.have.all.keys(Object.keys(unary[side]?.attributes ?? {}));
        }
        expect(first?.client?.attributes).to.include({
          'server.address': '127.0.0.1',
          'server.port': server.port,
        });
        expect(Object.keys(first?.line ?? {})).to.deep.equal(Object.keys(unary.line ?? {}));
        expect(first?.line).to.include({ method: unaryName, span_id: first?.client?.spanContext().spanId });
      });

    it('the metrics', async () => {
      const server = await startServer();
      const client = clientOf(server.address, { telemetry: server.telemetry });
      await Promise.allSettled(sayAll(client, 'a', 'b', invalidText));
      const labels = { target: 'echo', method: unaryName };
      expect(await server.metric('client_requests_total', { ...labels, status: 'OK' })).to.equal(2);
      expect(
        await server.metric('client_requests_total', { ...labels, status: 'INVALID_ARGUMENT' }),
      ).to.equal(1);
      expect(await server.metric('client_request_duration_seconds_count', labels)).to.equal(3);
      expect(await server.metric('client_requests_total', { method: batchName })).to.equal(0);
    });
  });

  describe('during an upgrade', () => {
    const startOldServer = (): Promise<TestServer> => startServer({ services: [unaryEchoService(handle)] });
    const rejections = (server: TestServer): number =>
      server.logs.filter(({ msg, reason }) => msg === 'call rejected' && reason === 'METHOD_NOT_FOUND')
        .length;

    it('uses the unary method of a server without the batch method, and tries the batch method again later', async () => {
      const server = await startOldServer();
      const client = clientOf(server.address, { telemetry: server.telemetry });
      for (const round of [1, 2])
        expect(await Promise.all(sayAll(client, 'a', 'b')), `round ${round}`).to.deep.equal(['a', 'b']);
      expect(rejections(server)).to.equal(1);
      await server.logged('batch rejected, using the unary method', { method: batchName });
      const { now } = Date;
      Date.now = () => now() + 31_000;
      try {
        expect(await Promise.all(sayAll(client, 'a', 'b'))).to.deep.equal(['a', 'b']);
      } finally {
        Date.now = now;
      }
      expect(rejections(server)).to.equal(2);
    });

    it('calls servers of both versions', async () => {
      const servers = [await startOldServer(), await startServer()];
      const client = clientOf(`ipv4:${servers.map(({ address }) => address).join(',')}`);
      for (let round = 0; round < 4; round += 1)
        expect(await Promise.all(sayAll(client, 'a', 'b', 'c'))).to.deep.equal(['a', 'b', 'c']);
    });

    it('is not needed: a client without batching calls a server with the batch method', async () => {
      const server = await startServer();
      const client = createClient(BatchEchoServiceService, {
        name: 'echo',
        target: server.address,
        timeoutMs: 10_000,
        retry: false,
      });
      closing.push(() => client.close());
      expect(await Promise.all(sayAll(client, 'a', 'b'))).to.deep.equal(['a', 'b']);
      expect(await batchCalls(server)).to.equal(0);
    });
  });

  describe('with a server that', () => {
    /** Starts a server whose unary method returns `unary <text>`. Returns its address. */
    const startRawServer = async (batch: BatchHandler): Promise<string> => {
      const server = new Server();
      const unary: handleUnaryCall<Echo, Echo> = ({ request }, respond) =>
        respond(null, { text: `unary ${request.text}` });
      server.addService(BatchEchoServiceService as never, { say: unary, batchSay: batch } as never);
      closing.push(() => server.forceShutdown());
      const port = await new Promise<number>((resolve, reject) => {
        server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
          error ? reject(error) : resolve(bound),
        );
      });
      return `127.0.0.1:${port}`;
    };

    const result = (index: number) => ({
      results: [{ index, outcome: { $case: 'response' as const, value: { text: `result ${index}` } } }],
    });

    const expectDoubt = async ([first, second]: Promise<string>[]): Promise<void> => {
      const failed = expectReason(second ?? Promise.resolve(), 'DEPENDENCY_UNAVAILABLE');
      expect(await first).to.equal('result 0');
      await failed;
    };

    /** How a stream ends after the result of the first item. */
    const ends: Readonly<Record<string, BatchHandler>> = {
      'ends a batch without all results': (call) => {
        call.write(result(0));
        call.end();
      },
      'fails in the middle of a batch': (call) => {
        call.write(result(0), () => call.emit('error', { code: status.UNAVAILABLE, details: 'down' }));
      },
    };
    for (const [name, batch] of Object.entries(ends))
      it(`${name}, the items without a result are in doubt`, async () => {
        const address = await startRawServer(batch);
        const client = clientOf(address);
        await expectDoubt(sayAll(client, 'a', 'b'));
      });

    it('loses the connection in the middle of a batch, the items without a result are in doubt', async () => {
      const proxy = await startFreezingProxy(await startRawServer((call) => void call.write(result(0))));
      const calls = sayAll(clientOf(proxy.address), 'a', 'b');
      void calls[0]?.then(() => proxy.close());
      await expectDoubt(calls);
    });

    it('rejects the batch, every item uses the unary method', async () => {
      const address = await startRawServer((call) => {
        call.emit('error', { code: status.INVALID_ARGUMENT, details: 'invalid batch' });
      });
      const client = clientOf(address);
      for (const round of [1, 2])
        expect(await Promise.all(sayAll(client, 'a', 'b')), `round ${round}`).to.deep.equal([
          'unary a',
          'unary b',
        ]);
    });

    it('repeats a result or sends the result of another item, each item has its first result', async () => {
      const address = await startRawServer((call) => {
        for (const index of [1, 1, 7, 0]) call.write(result(index));
        call.end();
      });
      expect(await Promise.all(sayAll(clientOf(address), 'a', 'b'))).to.deep.equal(['result 0', 'result 1']);
    });

    it('does not answer, later batches are sent nevertheless', async () => {
      let received = 0;
      const address = await startRawServer(() => void (received += 1));
      const client = clientOf(address, { timeoutMs: 1500 });
      const calls: Promise<unknown>[] = [];
      for (let batch = 0; batch < 6; batch += 1) {
        calls.push(...sayAll(client, 'a', 'b'));
        await new Promise(setImmediate);
        await new Promise(setImmediate);
      }
      await waitFor(() => received >= 5, 'fifth batch');
      await Promise.allSettled(calls);
    });
  });
});
