import { gzipSync } from 'node:zlib';
import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import { EchoServiceService } from '../../pkg/rpc/testing/echo-service.js';
import { frame, rawCall, serialized, type RawCall } from '../../pkg/rpc/testing/raw-call.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';

const maxMessageBytes = 10_000;
const hardLimit = 4_194_304;
const kinds = ['say', 'collect', 'repeat', 'chat'] as const;

describe('what a server refuses to read', () => {
  let server: TestServer;

  before(async () => {
    server = await startTestServer({ config: { maxMessageBytes, maxMetadataBytes: 4096 } });
  });
  after(() => server.close());

  /** Makes the call, checks that it was counted once with its status, and returns its error. */
  const refused = async (call: RawCall, method = EchoServiceService.say.path.slice(1)) => {
    const before = await server.metric('requests_total', { method });
    const answer = await rawCall(server.address, call);
    const status = Status[answer.code ?? -1] ?? '';
    expect(await server.metric('requests_total', { method })).to.equal(before + 1);
    expect(await server.metric('requests_total', { method, status })).to.be.greaterThan(0);
    return { answer, error: answer.error(), code: status };
  };

  const malformed: Record<string, Buffer> = {
    'a string that is cut off': serialized('hello').subarray(0, 4),
    'a length beyond the message': Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    'a tag that never ends': Buffer.alloc(11, 0xff),
    'field number 0': Buffer.from([0x02, 0x00]),
    'a group without its end': Buffer.from([0x0b]),
    'the end of a group without its beginning': Buffer.from([0x0c]),
    'an unknown wire type': Buffer.from([0x0f, 0x01]),
    JSON: Buffer.from('{"text":"hello"}'),
  };
  for (const [what, bytes] of Object.entries(malformed))
    it(`${what} is INVALID_ARGUMENT`, async () => {
      const { error, code } = await refused({ body: frame(bytes) });
      expect(code).to.equal('INVALID_ARGUMENT');
      expect(error).to.have.property('reason', 'MALFORMED_MESSAGE');
      expect(error.fields).to.have.length(1);
    });

  for (const kind of kinds) {
    const { path } = EchoServiceService[kind];

    it(`malformed bytes are INVALID_ARGUMENT on ${kind}`, async () => {
      const { error } = await refused({ path, body: frame(Buffer.from([0x0b])) }, path.slice(1));
      expect(error).to.have.property('reason', 'MALFORMED_MESSAGE');
    });

    for (const size of [maxMessageBytes + 1, hardLimit + 1])
      it(`a message of ${size} bytes is RESOURCE_EXHAUSTED with the time to wait on ${kind}`, async () => {
        const body = frame(serialized('x'.repeat(size)));
        const { error, code } = await refused({ path, body }, path.slice(1));
        expect(code).to.equal('RESOURCE_EXHAUSTED');
        expect(error).to.have.property('reason', 'MESSAGE_TOO_LARGE');
        expect(error.retryAfterMs).to.be.greaterThan(0);
      });
  }

  it('a message of exactly the limit is read', async () => {
    const overhead = serialized('x'.repeat(9000)).length - 9000;
    const body = frame(serialized('x'.repeat(maxMessageBytes - overhead)));
    expect(await rawCall(server.address, { body })).to.have.property('code', Status.OK);
  });

  it('a message that was packed with gzip is read', async () => {
    const body = frame(gzipSync(serialized('hello')), true);
    const answer = await rawCall(server.address, { body, headers: { 'grpc-encoding': 'gzip' } });
    expect(answer.code).to.equal(Status.OK);
    expect(answer.body.subarray(5)).to.deep.equal(serialized('hello'));
  });

  for (const size of [maxMessageBytes * 2, hardLimit * 2])
    it(`${size} bytes packed with gzip into few are RESOURCE_EXHAUSTED`, async () => {
      const body = frame(gzipSync(serialized('x'.repeat(size))), true);
      const { error } = await refused({ body, headers: { 'grpc-encoding': 'gzip' } });
      expect(error).to.have.property('reason', 'MESSAGE_TOO_LARGE');
      expect(error.retryAfterMs).to.be.greaterThan(0);
    });

  it('an unknown packing is UNIMPLEMENTED', async () => {
    const body = frame(Buffer.from('xyz'), true);
    const { code } = await refused({ body, headers: { 'grpc-encoding': 'zstd' } });
    expect(code).to.equal('UNIMPLEMENTED');
  });

  it('bytes that say gzip and are not leave as an error that tells nothing', async () => {
    const body = frame(Buffer.from('xyz'), true);
    const { answer } = await refused({ body, headers: { 'grpc-encoding': 'gzip' } });
    expect(answer.code).to.equal(Status.INTERNAL);
  });

  for (const size of [4096, 60_000])
    it(`${size} bytes of metadata are RESOURCE_EXHAUSTED with the time to wait`, async () => {
      const { error, code } = await refused({ headers: { big: 'x'.repeat(size) } });
      expect(code).to.equal('RESOURCE_EXHAUSTED');
      expect(error).to.have.property('reason', 'METADATA_TOO_LARGE');
      expect(error.retryAfterMs).to.be.greaterThan(0);
      expect(error.metadata).to.deep.equal({ limit_bytes: '4096' });
    });

  it('metadata that HTTP/2 itself does not take costs no more than its connection', async () => {
    const call = rawCall(server.address, { headers: { big: 'x'.repeat(100_000) } });
    expect(await failureOf(call)).to.have.property('code', 'ERR_HTTP2_STREAM_ERROR');
    expect(await rawCall(server.address)).to.have.property('code', Status.OK);
  });

  it('metadata of many small entries over the limit is RESOURCE_EXHAUSTED', async () => {
    const headers = Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`h-${n}`, 'x']));
    const { error } = await refused({ headers });
    expect(error).to.have.property('reason', 'METADATA_TOO_LARGE');
  });

  for (const path of ['/testing.v1.EchoService/Shout', '/no.such.Service/Say', '/', '/x'])
    it(`the unknown method ${path} is UNIMPLEMENTED and counted as "unknown"`, async () => {
      const { error, code } = await refused({ path }, 'unknown');
      expect(code).to.equal('UNIMPLEMENTED');
      expect(error).to.have.property('reason', 'METHOD_NOT_FOUND');
    });

  for (const type of ['application/json', undefined])
    it(`a request with content type ${type} is HTTP 415`, async () => {
      const answer = await rawCall(server.address, { headers: { 'content-type': type } });
      expect(answer.headers[':status']).to.equal(415);
      expect(answer.code).to.equal(undefined);
    });

  it('a call without a message is refused', async () => {
    const { code } = await refused({ body: Buffer.alloc(0) });
    expect(code).to.equal('UNIMPLEMENTED');
  });

  it('still serves after all that', async () => {
    expect(await server.client().say({ text: 'hello' })).to.deep.equal({ text: 'hello' });
    expect(server.logs.filter((line) => 'err' in line)).to.deep.equal([]);
  });
});
