import { gzipSync } from 'node:zlib';
import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { failureOf } from '../../support/expect-reason.js';
import { EchoServiceService } from '../../support/rpc/echo-service.js';
import { frame, rawCall, serialized, type RawCall } from '../../support/rpc/raw-call.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';

const maxMessageBytes = 10_000;
const hardLimit = 4_194_304;
const kinds = ['say', 'collect', 'repeat', 'chat'] as const;

describe('a server with request limits', () => {
  let server: TestServer;

  before(async () => {
    server = await startTestServer({ config: { maxMessageBytes, maxMetadataBytes: 4096 } });
  });
  after(() => server.close());

  /**
   * Makes a call, expects that the server counts the call once with the status of the response, and returns the error.
   */
  const rejected = async (call: RawCall, method = EchoServiceService.say.path.slice(1)) => {
    const before = await server.metric('requests_total', { method });
    const response = await rawCall(server.address, call);
    const status = Status[response.code ?? -1] ?? '';
    expect(await server.metric('requests_total', { method })).to.equal(before + 1);
    expect(await server.metric('requests_total', { method, status })).to.be.greaterThan(0);
    return { response, error: response.error(), code: status };
  };

  const malformed: Record<string, Buffer> = {
    'a truncated string': serialized('hello').subarray(0, 4),
    'a length beyond the message': Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    'a tag without an end': Buffer.alloc(11, 0xff),
    'field number 0': Buffer.from([0x02, 0x00]),
    'a group start without a group end': Buffer.from([0x0b]),
    'a group end without a group start': Buffer.from([0x0c]),
    'an unknown wire type': Buffer.from([0x0f, 0x01]),
    JSON: Buffer.from('{"text":"hello"}'),
  };
  for (const [what, bytes] of Object.entries(malformed))
    it(`rejects ${what} as INVALID_ARGUMENT`, async () => {
      const { error, code } = await rejected({ body: frame(bytes) });
      expect(code).to.equal('INVALID_ARGUMENT');
      expect(error).to.have.property('reason', 'MALFORMED_MESSAGE');
      expect(error.fields).to.have.length(1);
    });

  for (const kind of kinds) {
    const { path } = EchoServiceService[kind];

    it(`rejects malformed bytes in a ${kind} call as INVALID_ARGUMENT`, async () => {
      const { error } = await rejected({ path, body: frame(Buffer.from([0x0b])) }, path.slice(1));
      expect(error).to.have.property('reason', 'MALFORMED_MESSAGE');
    });

    for (const size of [maxMessageBytes + 1, hardLimit + 1])
      it(`rejects a message of ${size} bytes in a ${kind} call as RESOURCE_EXHAUSTED with a retry delay`, async () => {
        const body = frame(serialized('x'.repeat(size)));
        const { error, code } = await rejected({ path, body }, path.slice(1));
        expect(code).to.equal('RESOURCE_EXHAUSTED');
        expect(error).to.have.property('reason', 'MESSAGE_TOO_LARGE');
        expect(error.retryAfterMs).to.be.greaterThan(0);
      });
  }

  it('accepts a message with exactly the maximum size', async () => {
    const overhead = serialized('x'.repeat(9000)).length - 9000;
    const body = frame(serialized('x'.repeat(maxMessageBytes - overhead)));
    expect(await rawCall(server.address, { body })).to.have.property('code', Status.OK);
  });

  it('accepts a message with gzip compression', async () => {
    const body = frame(gzipSync(serialized('hello')), true);
    const response = await rawCall(server.address, { body, headers: { 'grpc-encoding': 'gzip' } });
    expect(response.code).to.equal(Status.OK);
    expect(response.body.subarray(5)).to.deep.equal(serialized('hello'));
  });

  for (const size of [maxMessageBytes * 2, hardLimit * 2])
    it(`rejects a gzip message whose uncompressed text has ${size} bytes as RESOURCE_EXHAUSTED`, async () => {
      const body = frame(gzipSync(serialized('x'.repeat(size))), true);
      const { error } = await rejected({ body, headers: { 'grpc-encoding': 'gzip' } });
      expect(error).to.have.property('reason', 'MESSAGE_TOO_LARGE');
      expect(error.retryAfterMs).to.be.greaterThan(0);
    });

  it('rejects an unknown compression as UNIMPLEMENTED', async () => {
    const body = frame(Buffer.from('xyz'), true);
    const { code } = await rejected({ body, headers: { 'grpc-encoding': 'zstd' } });
    expect(code).to.equal('UNIMPLEMENTED');
  });

  it('rejects malformed gzip as INTERNAL', async () => {
    const body = frame(Buffer.from('xyz'), true);
    const { response } = await rejected({ body, headers: { 'grpc-encoding': 'gzip' } });
    expect(response.code).to.equal(Status.INTERNAL);
  });

  for (const size of [4096, 60_000])
    it(`rejects ${size} bytes of metadata as RESOURCE_EXHAUSTED with a retry delay`, async () => {
      const { error, code } = await rejected({ headers: { big: 'x'.repeat(size) } });
      expect(code).to.equal('RESOURCE_EXHAUSTED');
      expect(error).to.have.property('reason', 'METADATA_TOO_LARGE');
      expect(error.retryAfterMs).to.be.greaterThan(0);
      expect(error.metadata).to.deep.equal({ limit_bytes: '4096' });
    });

  it('resets the stream, but not the connection, for metadata above the HTTP/2 limit', async () => {
    const call = rawCall(server.address, { headers: { big: 'x'.repeat(100_000) } });
    expect(await failureOf(call)).to.have.property('code', 'ERR_HTTP2_STREAM_ERROR');
    expect(await rawCall(server.address)).to.have.property('code', Status.OK);
  });

  it('rejects many small metadata entries whose total size is above the limit as RESOURCE_EXHAUSTED', async () => {
    const headers = Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`h-${n}`, 'x']));
    const { error } = await rejected({ headers });
    expect(error).to.have.property('reason', 'METADATA_TOO_LARGE');
  });

  for (const path of ['/testing.v1.EchoService/Shout', '/no.such.Service/Say', '/', '/x'])
    it(`rejects the unknown method ${path} as UNIMPLEMENTED and counts the call as "unknown"`, async () => {
      const { error, code } = await rejected({ path }, 'unknown');
      expect(code).to.equal('UNIMPLEMENTED');
      expect(error).to.have.property('reason', 'METHOD_NOT_FOUND');
    });

  for (const type of ['application/json', undefined])
    it(`rejects a request with content type ${type} with HTTP status 415`, async () => {
      const response = await rawCall(server.address, { headers: { 'content-type': type } });
      expect(response.headers[':status']).to.equal(415);
      expect(response.code).to.equal(undefined);
    });

  it('rejects a call without a message as UNIMPLEMENTED', async () => {
    const { code } = await rejected({ body: Buffer.alloc(0) });
    expect(code).to.equal('UNIMPLEMENTED');
  });

  it('still serves calls after all rejections, and no log line of a rejection has an `err` field', async () => {
    expect(await server.client().say({ text: 'hello' })).to.deep.equal({ text: 'hello' });
    expect(server.logs.filter((line) => 'err' in line)).to.deep.equal([]);
  });
});
