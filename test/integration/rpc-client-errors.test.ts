import type { ServerHttp2Stream } from 'node:http2';
import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import type { Reason } from '../../pkg/errors/index.js';
import { ErrorInfo } from '../../pkg/pb/google/rpc/error_details.js';
import { Status as RpcStatus } from '../../pkg/pb/google/rpc/status.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { createClient, type RpcClient } from '../../pkg/rpc/index.js';
import { allOf } from '../../pkg/rpc/testing/all-of.js';
import { startBareServer, trailersOnly, type BareServer } from '../../pkg/rpc/testing/bare-server.js';
import { EchoServiceService } from '../../pkg/rpc/testing/echo-service.js';
import { frame, serialized } from '../../pkg/rpc/testing/raw-call.js';

type Client = RpcClient<typeof EchoServiceService>;

const say = (client: Client): Promise<unknown> => client.say({ text: 'hi' });
const repeat = (client: Client): Promise<unknown> => allOf(client.repeat({ text: 'hi' }));

const answers: Record<string, { answer: (stream: ServerHttp2Stream) => void; reason: Reason }> = {
  'a connection that breaks': {
    answer: (stream) => stream.session?.destroy(),
    reason: 'DEPENDENCY_UNAVAILABLE',
  },
  'a connection that breaks in the middle of an answer': {
    answer: (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.write(frame(serialized('half')), () => stream.session?.destroy());
    },
    reason: 'DEPENDENCY_UNAVAILABLE',
  },
  'a stream that is reset': {
    answer: (stream) => stream.close(2),
    reason: 'DEPENDENCY_UNAVAILABLE',
  },
  'HTTP 503 of a proxy': {
    answer: (stream) => stream.respond({ ':status': 503 }, { endStream: true }),
    reason: 'DEPENDENCY_UNAVAILABLE',
  },
  'HTTP 401 of a proxy': {
    answer: (stream) => stream.respond({ ':status': 401 }, { endStream: true }),
    reason: 'UNAUTHENTICATED',
  },
};

const bareStatuses: Partial<Record<keyof typeof Status, Reason>> = {
  CANCELLED: 'CANCELLED',
  UNKNOWN: 'DEPENDENCY_UNAVAILABLE',
  INVALID_ARGUMENT: 'VALIDATION_FAILED',
  DEADLINE_EXCEEDED: 'DEADLINE_EXCEEDED',
  NOT_FOUND: 'INTERNAL',
  PERMISSION_DENIED: 'PERMISSION_DENIED',
  RESOURCE_EXHAUSTED: 'OVERLOADED',
  ABORTED: 'CONFLICT',
  UNIMPLEMENTED: 'METHOD_NOT_FOUND',
  INTERNAL: 'DEPENDENCY_UNAVAILABLE',
  UNAVAILABLE: 'DEPENDENCY_UNAVAILABLE',
  UNAUTHENTICATED: 'UNAUTHENTICATED',
};

describe('what a client makes of', () => {
  let server: BareServer;
  let client: Client;
  let answer: (stream: ServerHttp2Stream) => void;

  before(async () => {
    server = await startBareServer((stream) => answer(stream));
  });
  beforeEach(() => {
    client = createClient(EchoServiceService, {
      name: 'bare',
      target: server.address,
      timeoutMs: 10_000,
      retry: false,
      channelOptions: { 'grpc.use_local_subchannel_pool': 1 },
    });
  });
  afterEach(() => client.close());
  after(() => server.close());

  for (const [what, { answer: given, reason }] of Object.entries(answers))
    for (const [kind, call] of Object.entries({ say, repeat }))
      it(`${what}, on ${kind}: ${reason} without a word of hosts`, async () => {
        answer = given;
        const error = await expectReason(call(client), reason);
        expect(error.message).not.to.match(/127\.0\.0\.1|localhost|\d{4}/);
        expect(error.cause).to.be.an.instanceOf(Error);
      });

  for (const [code, reason] of Object.entries(bareStatuses))
    it(`${code} without details: ${reason}`, async () => {
      answer = trailersOnly({ 'grpc-status': Status[code as keyof typeof Status] });
      const error = await expectReason(say(client), reason);
      expect(error.metadata).to.deep.equal({ grpc_status: code });
    });

  const details = (reason: string): Buffer =>
    Buffer.from(
      RpcStatus.encode({
        code: Status.NOT_FOUND,
        message: 'gone',
        details: [
          { typeUrl: 'type.googleapis.com/no.such.Type', value: Buffer.from('?') },
          {
            typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo',
            value: Buffer.from(ErrorInfo.encode({ reason, domain: 'x', metadata: { sku: 'a' } }).finish()),
          },
        ],
      }).finish(),
    );

  it('details among which are some that it does not know', async () => {
    answer = trailersOnly({
      'grpc-status': Status.NOT_FOUND,
      'grpc-message': 'gone',
      'grpc-status-details-bin': details('ORDER_NOT_FOUND').toString('base64'),
    });
    const error = await expectReason(say(client), 'ORDER_NOT_FOUND');
    expect(error).to.deep.include({ message: 'gone', metadata: { sku: 'a' } });
  });

  it('a reason of a newer server', async () => {
    answer = trailersOnly({
      'grpc-status': Status.UNAVAILABLE,
      'grpc-message': 'later',
      'grpc-status-details-bin': details('ON_STRIKE').toString('base64'),
    });
    const error = await expectReason(say(client), 'DEPENDENCY_UNAVAILABLE');
    expect(error.message).to.equal('later');
  });

  it('details that are not readable', async () => {
    answer = trailersOnly({
      'grpc-status': Status.ABORTED,
      'grpc-status-details-bin': Buffer.from([0xff, 0xff]).toString('base64'),
    });
    await expectReason(say(client), 'CONFLICT');
  });

  it('a port on which nobody listens', async () => {
    const gone = await startBareServer(() => undefined);
    await gone.close();
    const nobody = createClient(EchoServiceService, {
      name: 'nobody',
      target: gone.address,
      timeoutMs: 10_000,
      retry: true,
    });
    for (const call of [say, repeat]) {
      const error = await expectReason(call(nobody), 'DEPENDENCY_UNAVAILABLE');
      expect(error.message).to.equal('the service did not answer');
      expect((error.cause as Error).message).to.contain('ECONNREFUSED');
    }
    nobody.close();
  });
});
