import { SpanKind } from '@opentelemetry/api';
import { Metadata, type ClientDuplexStream, type ClientWritableStream } from '@grpc/grpc-js';
import { expect } from 'chai';
import { expectReason } from '../../support/expect-reason.js';
import { handler } from '../../../pkg/rpc/index.js';
import { allOf } from '../../support/rpc/all-of.js';
import { EchoServiceService, validated, type Echo } from '../../support/rpc/echo-service.js';
import { inTrace, spansOf } from '../../support/rpc/span-recorder.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';

const { collect, chat } = EchoServiceService;
const received = 'rpc.messages.received';
const sent = 'rpc.messages.sent';

describe('message counts of call spans', () => {
  let server: TestServer;

  before(async () => {
    server = await startTestServer({
      handlers: {
        repeat: handler(validated, async function* repeat(text, { signal }) {
          if (text === 'nothing') return;
          for (let n = 1; n <= 3; n += 1) yield { text };
          if (text !== 'open') return;
          await new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
          });
        }),
      },
    });
  });
  after(() => server.close());

  /** Runs `work`, which makes one call, and returns the message counts by span kind. */
  const countsOf = async (work: () => Promise<unknown>) => {
    const { traceId } = await inTrace(work);
    const spans = await spansOf(traceId, 3);
    return Object.fromEntries(
      spans
        .filter(({ kind }) => kind !== SpanKind.INTERNAL)
        .map(({ kind, attributes, events }) => {
          expect(events).to.deep.equal([]);
          return [
            SpanKind[kind],
            Object.fromEntries(
              Object.entries(attributes).filter(([name]) => name.startsWith('rpc.messages.')),
            ),
          ];
        }),
    );
  };

  it('include the responses of a server stream', async () => {
    const counts = await countsOf(() => allOf(client().repeat({ text: 'hi' })));

    expect(counts).to.deep.equal({ SERVER: { [sent]: 3 }, CLIENT: { [received]: 3 } });
  });

  it('are zero for a server stream without responses', async () => {
    const counts = await countsOf(() => allOf(client().repeat({ text: 'nothing' })));

    expect(counts).to.deep.equal({ SERVER: { [sent]: 0 }, CLIENT: { [received]: 0 } });
  });

  it('include the responses before a cancellation', async () => {
    const cancel = new AbortController();
    const counts = await countsOf(async () => {
      const messages = client().repeat({ text: 'open' }, { signal: cancel.signal })[Symbol.asyncIterator]();
      for (let n = 1; n <= 3; n += 1) await messages.next();
      cancel.abort();
      await expectReason(messages.next(), 'CANCELLED');
    });

    expect(counts).to.deep.equal({ SERVER: { [sent]: 3 }, CLIENT: { [received]: 3 } });
  });

  it('include the requests of a client stream', async () => {
    const counts = await countsOf(
      () =>
        new Promise<void>((resolve, reject) => {
          const call: ClientWritableStream<Echo> = server.rawClient().makeClientStreamRequest(
            collect.path,
            collect.requestSerialize,
            collect.responseDeserialize,
            // The instrumentation loses the trace if this argument is missing.
            new Metadata(),
            (error) => (error ? reject(error) : resolve()),
          );
          for (const text of ['a', 'b']) call.write({ text });
          call.end();
        }),
    );

    expect(counts['SERVER']).to.deep.equal({ [received]: 2 });
  });

  it('include both directions of a bidirectional stream', async () => {
    const counts = await countsOf(async () => {
      let echoed = 0;
      const call: ClientDuplexStream<Echo, Echo> = server
        .rawClient()
        .makeBidiStreamRequest(chat.path, chat.requestSerialize, chat.responseDeserialize);
      call.on('data', () => {
        echoed += 1;
      });
      const ended = new Promise((resolve) => {
        call.on('status', resolve);
      });
      for (const text of ['a', 'b', 'c', 'd']) call.write({ text });
      await waitFor(() => echoed === 4, 'response to each of four requests');
      call.end();
      await ended;
    });

    expect(counts['SERVER']).to.deep.equal({ [received]: 4, [sent]: 4 });
  });

  it('are absent for a unary call', async () => {
    const counts = await countsOf(() => client().say({ text: 'hi' }));

    expect(counts).to.deep.equal({ SERVER: {}, CLIENT: {} });
  });

  const client = () => server.client({ telemetry: server.telemetry });
});
