import { Metadata, type Client, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { expect } from 'chai';
import { AppError } from '../../pkg/errors/index.js';
import { handler } from '../../pkg/rpc/index.js';
import { EchoServiceService, passOn, validated, type Echo } from '../../pkg/rpc/testing/echo-service.js';
import { frame, rawCall, serialized, type RawCall } from '../../pkg/rpc/testing/raw-call.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';

type Kind = keyof typeof EchoServiceService;
const kinds: readonly Kind[] = ['say', 'collect', 'repeat', 'chat'];

let waiting = 0;

/** Fails on `fail`, and goes on until the call is aborted on `wait`. */
async function act(text: string, signal: AbortSignal): Promise<Echo> {
  if (text === 'fail') throw new AppError({ reason: 'ORDER_NOT_FOUND', message: 'no such order' });
  if (text !== 'wait') return { text };
  waiting += 1;
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
}

function startActingServer(): Promise<TestServer> {
  return startTestServer({
    handlers: {
      say: handler(validated, (text, { signal }) => act(text, signal)),
      repeat: handler(validated, async function* repeat(text, { signal }) {
        yield await act(text, signal);
      }),
      collect: handler(passOn, async (requests, { signal }) => {
        for await (const { text } of requests) await act(text, signal);
        return { text: 'collected' };
      }),
      chat: handler(passOn, async function* chat(requests, { signal }) {
        for await (const { text } of requests) yield await act(text, signal);
      }),
    },
  });
}

interface BareCall {
  /** How it ended, as the caller saw it. */
  readonly ended: Promise<StatusObject>;
  cancel(): void;
}

/** One message through a method of any kind, with bare grpc-js. */
function call(client: Client, kind: Kind, text: string): BareCall {
  const { path, requestSerialize, responseDeserialize } = EchoServiceService[kind];
  const options = { deadline: Date.now() + 10_000 };
  const ignore = (_error: ServiceError | null): void => undefined;
  const codec = [path, requestSerialize, responseDeserialize] as const;
  switch (kind) {
    case 'say':
      return ending(client.makeUnaryRequest(...codec, { text }, new Metadata(), options, ignore));
    case 'collect': {
      const stream = client.makeClientStreamRequest(...codec, new Metadata(), options, ignore);
      stream.end({ text });
      return ending(stream);
    }
    case 'repeat':
      return ending(read(client.makeServerStreamRequest(...codec, { text }, new Metadata(), options)));
    case 'chat': {
      const stream = read(client.makeBidiStreamRequest(...codec, new Metadata(), options));
      stream.end({ text });
      return ending(stream);
    }
  }
}

function read<C extends NodeJS.ReadableStream>(stream: C): C {
  return stream.on('error', () => undefined).resume();
}

function ending(started: {
  on(event: 'status', listener: (status: StatusObject) => void): unknown;
  cancel(): void;
}): BareCall {
  const ended = new Promise<StatusObject>((resolve) => {
    started.on('status', resolve);
  });
  return { ended, cancel: () => started.cancel() };
}

describe('metrics of calls', () => {
  let server: TestServer;
  let client: Client;

  before(async () => {
    server = await startActingServer();
    client = server.rawClient();
  });
  after(() => server.close());

  for (const kind of kinds) {
    const method = EchoServiceService[kind].path.slice(1);
    const count = (status: string): Promise<number> =>
      server.metric('requests_total', { service: 'echo-service', method, status });
    const all = (): Promise<number> => server.metric('requests_total', { method });
    const timed = (): Promise<number> =>
      server.metric('request_duration_seconds_count', { service: 'echo-service', method });

    /** Runs `work` and waits until exactly one more call of `status`, timed once, is there. */
    const countsOnce = async (status: string, work: () => Promise<unknown>): Promise<void> => {
      const figures = async () => ({ counted: await count(status), all: await all(), timed: await timed() });
      const before = await figures();
      await work();
      await waitFor(async () => (await count(status)) > before.counted, `a ${status} of ${method}`);
      expect(await figures()).to.deep.equal({
        counted: before.counted + 1,
        all: before.all + 1,
        timed: before.timed + 1,
      });
    };

    it(`count and time a ${kind} that succeeds`, () =>
      countsOnce('OK', () => call(client, kind, 'hi').ended));

    it(`count and time a ${kind} that is refused`, () =>
      countsOnce('NOT_FOUND', () => call(client, kind, 'fail').ended));

    it(`count and time a ${kind} that its caller cancels`, () =>
      countsOnce('CANCELLED', async () => {
        const started = waiting;
        const { ended, cancel } = call(client, kind, 'wait');
        await waitFor(() => waiting > started, 'the handler to start');
        cancel();
        await ended;
      }));

    // With bare HTTP/2, because a client with a timer of its own may hang up first.
    const timesOut = async (body: RawCall['body']): Promise<void> => {
      const { path } = EchoServiceService[kind];
      const answer = await rawCall(server.address, { path, headers: { 'grpc-timeout': '200m' }, body });
      expect(answer.error()).to.have.property('reason', 'DEADLINE_EXCEEDED');
    };

    it(`count and time a ${kind} that runs into its deadline`, () =>
      countsOnce('DEADLINE_EXCEEDED', () => timesOut(frame(serialized('wait')))));

    it(`count and time a ${kind} to which nothing but its headers comes`, () =>
      countsOnce('DEADLINE_EXCEEDED', () => timesOut('none yet')));
  }
});
