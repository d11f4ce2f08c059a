import { Metadata, type Client, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { expect } from 'chai';
import { AppError } from '../../../pkg/errors/index.js';
import { handler } from '../../../pkg/rpc/index.js';
import {
  EchoServiceService,
  withoutValidation,
  validated,
  type Echo,
} from '../../support/rpc/echo-service.js';
import { frame, rawCall, serialized, type RawCall } from '../../support/rpc/raw-call.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';

type Kind = keyof typeof EchoServiceService;
const kinds: readonly Kind[] = ['say', 'collect', 'repeat', 'chat'];

let waiting = 0;

/** Fails for the text `fail`, waits for an abort for the text `wait`, and otherwise returns the text. */
async function respond(text: string, signal: AbortSignal): Promise<Echo> {
  if (text === 'fail') throw new AppError({ reason: 'ORDER_NOT_FOUND', message: 'no such order' });
  if (text !== 'wait') return { text };
  waiting += 1;
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
}

function startServer(): Promise<TestServer> {
  return startTestServer({
    handlers: {
      say: handler(validated, (text, { signal }) => respond(text, signal)),
      repeat: handler(validated, async function* repeat(text, { signal }) {
        yield await respond(text, signal);
      }),
      collect: handler(withoutValidation, async (requests, { signal }) => {
        for await (const { text } of requests) await respond(text, signal);
        return { text: 'collected' };
      }),
      chat: handler(withoutValidation, async function* chat(requests, { signal }) {
        for await (const { text } of requests) yield await respond(text, signal);
      }),
    },
  });
}

interface PendingCall {
  /** Final status of the call at the client. */
  readonly ended: Promise<StatusObject>;
  cancel(): void;
}

/** Sends one message to a method of any kind with grpc-js. */
function call(client: Client, kind: Kind, text: string): PendingCall {
  const { path, requestSerialize, responseDeserialize } = EchoServiceService[kind];
  const options = { deadline: Date.now() + 10_000 };
  const ignore = (_error: ServiceError | null): void => undefined;
  const codec = [path, requestSerialize, responseDeserialize] as const;
  switch (kind) {
    case 'say':
      return pendingCall(client.makeUnaryRequest(...codec, { text }, new Metadata(), options, ignore));
    case 'collect': {
      const stream = client.makeClientStreamRequest(...codec, new Metadata(), options, ignore);
      stream.end({ text });
      return pendingCall(stream);
    }
    case 'repeat':
      return pendingCall(read(client.makeServerStreamRequest(...codec, { text }, new Metadata(), options)));
    case 'chat': {
      const stream = read(client.makeBidiStreamRequest(...codec, new Metadata(), options));
      stream.end({ text });
      return pendingCall(stream);
    }
  }
}

function read<C extends NodeJS.ReadableStream>(stream: C): C {
  return stream.on('error', () => undefined).resume();
}

function pendingCall(clientCall: {
  on(event: 'status', listener: (status: StatusObject) => void): unknown;
  cancel(): void;
}): PendingCall {
  const ended = new Promise<StatusObject>((resolve) => {
    clientCall.on('status', resolve);
  });
  return { ended, cancel: () => clientCall.cancel() };
}

describe('metrics of calls', () => {
  let server: TestServer;
  let client: Client;

  before(async () => {
    server = await startServer();
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

    /** Runs `work` and expects that the metrics count one more call with `status` and one more duration. */
    const countsOnce = async (status: string, work: () => Promise<unknown>): Promise<void> => {
      const readCounts = async () => ({
        counted: await count(status),
        all: await all(),
        timed: await timed(),
      });
      const before = await readCounts();
      await work();
      await waitFor(async () => (await count(status)) > before.counted, `${status} count of ${method}`);
      expect(await readCounts()).to.deep.equal({
        counted: before.counted + 1,
        all: before.all + 1,
        timed: before.timed + 1,
      });
    };

    it(`count and time a successful ${kind} call`, () =>
      countsOnce('OK', () => call(client, kind, 'hi').ended));

    it(`count and time a rejected ${kind} call`, () =>
      countsOnce('NOT_FOUND', () => call(client, kind, 'fail').ended));

    it(`count and time a cancelled ${kind} call`, () =>
      countsOnce('CANCELLED', async () => {
        const waitingBefore = waiting;
        const { ended, cancel } = call(client, kind, 'wait');
        await waitFor(() => waiting > waitingBefore, 'started handler');
        cancel();
        await ended;
      }));

    // Raw HTTP/2 has no client timer, which could cancel the call before the server responds.
    const timesOut = async (body: RawCall['body']): Promise<void> => {
      const { path } = EchoServiceService[kind];
      const response = await rawCall(server.address, { path, headers: { 'grpc-timeout': '200m' }, body });
      expect(response.error()).to.have.property('reason', 'DEADLINE_EXCEEDED');
    };

    it(`count and time a ${kind} call with an expired deadline`, () =>
      countsOnce('DEADLINE_EXCEEDED', () => timesOut(frame(serialized('wait')))));

    it(`count and time a ${kind} call without a request message`, () =>
      countsOnce('DEADLINE_EXCEEDED', () => timesOut('none yet')));
  }
});
