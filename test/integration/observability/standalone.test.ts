import { SpanKind } from '@opentelemetry/api';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  ServerListenerBuilder,
  status as Status,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerInterceptor,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type StatusObject,
} from '@grpc/grpc-js';
import { expect } from 'chai';
import {
  annotateCall,
  recordFailure,
  startTelemetry,
  type Telemetry,
} from '../../../pkg/observability/index.js';
import { inTrace, spansOf } from '../../support/rpc/span-recorder.js';
import { aTelemetryConfig, type LogLine } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';
import { greeter, type Text } from './greeter.js';
import { parseOpenMetrics, type Sample } from '../../support/openmetrics.js';

/** Handlers in the style of the grpc-js documentation. */
const handlers = {
  greet: ({ request }: ServerUnaryCall<Text, Text>, reply: sendUnaryData<Text>) => {
    annotateCall({ order_id: request.text }, { 'order.id': request.text });
    if (request.text === 'fail')
      recordFailure(new Error('outer failure', { cause: new Error('root cause') }));
    if (request.text === 'fail') reply({ code: Status.INTERNAL, details: 'internal error' });
    else reply(null, { text: `Hello ${request.text}` });
  },
  greetAll: (call: ServerReadableStream<Text, Text>, reply: sendUnaryData<Text>) => {
    const names: string[] = [];
    call
      .on('data', ({ text }: Text) => names.push(text))
      .on('end', () => reply(null, { text: names.join() }));
  },
  greetOften: (call: ServerWritableStream<Text, Text>) => {
    call.write(call.request);
    call.write(call.request);
    call.end();
  },
  chat: (call: ServerDuplexStream<Text, Text>) => {
    call.on('data', (message: Text) => call.write(message)).on('end', () => call.end());
  },
};

/** An interceptor of the program that adds a field to the log line before the handler runs. */
const tenantInterceptor: ServerInterceptor = (_definition, call) => {
  const listener = new ServerListenerBuilder()
    .withOnReceiveMetadata((metadata, next) => {
      annotateCall({ tenant: 'acme' });
      next(metadata);
    })
    .build();
  return new ServerInterceptingCall(call, { start: (next) => next(listener) });
};

type Kind = keyof typeof greeter;

describe('pkg/observability with a plain grpc-js server', () => {
  const logs: LogLine[] = [];
  let telemetry: Telemetry;
  let server: Server;
  let client: Client;

  before(async () => {
    telemetry = await startTelemetry(aTelemetryConfig({ service: 'greeter' }), {
      write: (line) => void logs.push(JSON.parse(line) as LogLine),
    });
    server = new Server({ interceptors: [...telemetry.serverInterceptors(), tenantInterceptor] });
    server.addService(greeter, handlers);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      interceptors: telemetry.clientInterceptors('greeter'),
    });
  });
  after(async () => {
    client.close();
    server.forceShutdown();
    await telemetry.close();
  });

  /** Sends one message to a method, inside a trace. */
  const call = async (kind: Kind, text: string) => {
    const { traceId, result } = await inTrace(() => end(start(kind, text)));
    return { traceId, ...result };
  };

  const start = (kind: Kind, text: string) => {
    const { path, requestSerialize, responseDeserialize, requestStream, responseStream } = greeter[kind];
    const codec = [path, requestSerialize, responseDeserialize] as const;
    const ignore = (): void => undefined;
    if (!requestStream && !responseStream)
      return client.makeUnaryRequest(...codec, { text }, new Metadata(), ignore);
    if (!requestStream) return client.makeServerStreamRequest(...codec, { text }).resume();
    const stream = responseStream
      ? client.makeBidiStreamRequest(...codec).resume()
      : client.makeClientStreamRequest(...codec, new Metadata(), ignore);
    stream.end({ text });
    return stream;
  };

  const line = (msg: string, traceId: string): Promise<LogLine> =>
    waitFor(
      () => logs.find((entry) => entry['msg'] === msg && entry['trace_id'] === traceId),
      `log line "${msg}" of trace ${traceId}`,
    );

  const samples = async (name: string, method: string): Promise<Sample[]> => {
    const response = await fetch(`http://127.0.0.1:${telemetry.http.port}/metrics`, {
      headers: { accept: 'application/openmetrics-text' },
    });
    const all = parseOpenMetrics(await response.text());
    return all.filter((sample) => sample.name === name && sample.labels['method'] === method);
  };

  for (const kind of Object.keys(greeter) as Kind[])
    it(`creates spans, metrics, an exemplar, log lines and the header x-trace-id for ${kind}`, async () => {
      const method = greeter[kind].path.slice(1);
      const { traceId, headers, final } = await call(kind, 'Ann');
      expect(final.code).to.equal(Status.OK);
      expect(headers.get('x-trace-id')).to.deep.equal([traceId]);

      const spans = await spansOf(traceId, 3);
      const serverSpan = spans.find((span) => span.kind === SpanKind.SERVER)?.spanContext().spanId;
      const clientSpan = spans.find((span) => span.kind === SpanKind.CLIENT)?.spanContext().spanId;
      expect(await line('call served', traceId)).to.include({
        level: 'info',
        service: 'greeter',
        method,
        status: 'OK',
        span_id: serverSpan,
        tenant: 'acme',
      });
      expect(await line('call made', traceId)).to.include({ method, target: 'greeter', span_id: clientSpan });

      const labels = { service: 'greeter', method, status: 'OK' };
      expect(await samples('requests_total', method)).to.deep.equal([
        { name: 'requests_total', labels, value: 1 },
      ]);
      expect(await samples('client_requests_total', method)).to.deep.equal([
        { name: 'client_requests_total', labels: { ...labels, target: 'greeter' }, value: 1 },
      ]);
      const buckets = await samples('request_duration_seconds_bucket', method);
      const [exemplar] = buckets.flatMap((bucket) => bucket.exemplar ?? []);
      expect(exemplar?.labels).to.deep.equal({ trace_id: traceId, span_id: serverSpan });
    });

  it('adds the annotations of a handler to the log line and the span', async () => {
    const { traceId } = await call('greet', 'o-1');
    expect(await line('call served', traceId)).to.include({ order_id: 'o-1' });
    const span = (await spansOf(traceId, 3)).find(({ kind }) => kind === SpanKind.SERVER);
    expect(span?.attributes).to.include({ 'order.id': 'o-1' });
  });

  it('logs the error of a handler once with its cause, and does not send the error to the caller', async () => {
    const { traceId, final } = await call('greet', 'fail');
    expect(final).to.include({ code: Status.INTERNAL, details: 'internal error' });
    const served = await line('call served', traceId);
    expect(served).to.include({ level: 'error', status: 'INTERNAL' });
    expect(served).to.have.nested.property('err.stack').that.contains('caused by: Error: root cause');
    expect(logs.filter(({ level }) => level === 'error')).to.have.length(1);
  });
});

interface Started {
  on(event: 'metadata', listener: (headers: Metadata) => void): unknown;
  on(event: 'status', listener: (status: StatusObject) => void): unknown;
  on(event: 'error', listener: () => void): unknown;
}

function end(started: Started): Promise<{ headers: Metadata; final: StatusObject }> {
  let headers = new Metadata();
  started.on('metadata', (received) => (headers = received));
  started.on('error', () => undefined);
  return new Promise((resolve) => {
    started.on('status', (final) => resolve({ headers, final }));
  });
}
