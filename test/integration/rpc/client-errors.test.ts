import type { ServerHttp2Stream } from 'node:http2';
import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import type { Reason } from '../../../pkg/errors/index.js';
import { ErrorInfo } from '../../../pkg/pb/google/rpc/error_details.js';
import { Status as RpcStatus } from '../../../pkg/pb/google/rpc/status.js';
import { expectReason } from '../../support/expect-reason.js';
import { createClient, type RpcClient } from '../../../pkg/rpc/index.js';
import { allOf } from '../../support/rpc/all-of.js';
import { startBareServer, trailersOnly, type BareServer } from '../../support/rpc/bare-server.js';
import { EchoServiceService } from '../../support/rpc/echo-service.js';
import { frame, serialized } from '../../support/rpc/raw-call.js';

type Client = RpcClient<typeof EchoServiceService>;

const say = (client: Client): Promise<unknown> => client.say({ text: 'hi' });
const repeat = (client: Client): Promise<unknown> => allOf(client.repeat({ text: 'hi' }));

const failures: Record<string, { respond: (stream: ServerHttp2Stream) => void; reason: Reason }> = {
  'the loss of the connection': {
    respond: (stream) => stream.session?.destroy(),
    reason: 'DEPENDENCY_UNAVAILABLE',
  },
  'the loss of the connection during a response': {
    respond: (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.write(frame(serialized('half')), () => stream.session?.destroy());
    },
    reason: 'DEPENDENCY_UNAVAILABLE',
  },
  'a reset of the stream': {
    respond: (stream) => stream.close(2),
    reason: 'DEPENDENCY_UNAVAILABLE',
  },
  'HTTP 503 from a proxy': {
    respond: (stream) => stream.respond({ ':status': 503 }, { endStream: true }),
    reason: 'DEPENDENCY_UNAVAILABLE',
  },
  'HTTP 401 from a proxy': {
    respond: (stream) => stream.respond({ ':status': 401 }, { endStream: true }),
    reason: 'UNAUTHENTICATED',
  },
};

const withoutDetails: Partial<Record<keyof typeof Status, Reason>> = {
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

describe('client errors', () => {
  let server: BareServer;
  let client: Client;
  let respond: (stream: ServerHttp2Stream) => void;

  before(async () => {
    server = await startBareServer((stream) => respond(stream));
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

  for (const [what, { respond: failingResponse, reason }] of Object.entries(failures))
    for (const [kind, call] of Object.entries({ say, repeat }))
      it(`of a ${kind} call have the reason ${reason} and contain no host names after ${what}`, async () => {
        respond = failingResponse;
        const error = await expectReason(call(client), reason);
        expect(error.message).not.to.match(/127\.0\.0\.1|localhost|\d{4}/);
        expect(error.cause).to.be.an.instanceOf(Error);
      });

  for (const [code, reason] of Object.entries(withoutDetails))
    it(`have the reason ${reason} for the status ${code} without details`, async () => {
      respond = trailersOnly({ 'grpc-status': Status[code as keyof typeof Status] });
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

  it('contain the details of known types and omit the details of unknown types', async () => {
    respond = trailersOnly({
      'grpc-status': Status.NOT_FOUND,
      'grpc-message': 'gone',
      'grpc-status-details-bin': details('ORDER_NOT_FOUND').toString('base64'),
    });
    const error = await expectReason(say(client), 'ORDER_NOT_FOUND');
    expect(error).to.deep.include({ message: 'gone', metadata: { sku: 'a' } });
  });

  it('derive the reason from the status code when the reason is unknown', async () => {
    respond = trailersOnly({
      'grpc-status': Status.UNAVAILABLE,
      'grpc-message': 'later',
      'grpc-status-details-bin': details('UNKNOWN_REASON').toString('base64'),
    });
    const error = await expectReason(say(client), 'DEPENDENCY_UNAVAILABLE');
    expect(error.message).to.equal('later');
  });

  it('derive the reason from the status code when the details are malformed', async () => {
    respond = trailersOnly({
      'grpc-status': Status.ABORTED,
      'grpc-status-details-bin': Buffer.from([0xff, 0xff]).toString('base64'),
    });
    await expectReason(say(client), 'CONFLICT');
  });

  it('have the reason DEPENDENCY_UNAVAILABLE for a closed port', async () => {
    const closed = await startBareServer(() => undefined);
    await closed.close();
    const unconnected = createClient(EchoServiceService, {
      name: 'closed',
      target: closed.address,
      timeoutMs: 10_000,
      retry: true,
    });
    for (const call of [say, repeat]) {
      const error = await expectReason(call(unconnected), 'DEPENDENCY_UNAVAILABLE');
      expect(error.message).to.equal('the service did not respond');
      expect((error.cause as Error).message).to.contain('ECONNREFUSED');
    }
    unconnected.close();
  });
});
