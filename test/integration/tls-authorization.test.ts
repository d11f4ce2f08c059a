import { SpanKind } from '@opentelemetry/api';
import { expect } from 'chai';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { allOf } from '../../pkg/rpc/testing/all-of.js';
import { inTrace, spansOf } from '../../pkg/rpc/testing/span-recorder.js';
import type { Subject } from '../../scripts/dev-certs/certificates.js';
import { startTlsEcho, type EchoClient, type TlsEcho } from './tls-echo.js';

const allowed = `
  operator=*
  buyer=testing.v1.EchoService/Say
  spiffe://shop/ns/orders/sa/order-service=testing.v1.EchoService/*
`;

const say = (client: EchoClient): Promise<unknown> => client.say({ text: 'hi' });
const repeat = (client: EchoClient): Promise<unknown> => allOf(client.repeat({ text: 'hi' }));

describe('with mutual TLS', () => {
  let echo: TlsEcho;

  before(async () => {
    echo = await startTlsEcho({ allowed });
  });
  after(() => echo.close());

  const clientNamed = async (subject: Partial<Subject>): Promise<EchoClient> =>
    echo.client(await echo.authority.issue(subject));

  it('a client that may call everything calls everything', async () => {
    const client = await clientNamed({ dns: ['operator'] });
    expect(await say(client)).to.deep.equal({ text: 'hi' });
    expect(await repeat(client)).to.have.length(3);
  });

  it('a client is known by any of its names, whatever their case', async () => {
    const client = await clientNamed({ dns: ['buyer.shop.svc', 'Buyer'] });
    expect(await say(client)).to.deep.equal({ text: 'hi' });
    await echo.server.logged('call served', { status: 'OK', client: 'buyer' });
  });

  it('a client is known by a URI', async () => {
    const client = await clientNamed({ dns: [], uris: ['spiffe://shop/ns/orders/sa/order-service'] });
    expect(await repeat(client)).to.have.length(3);
  });

  it('a client may not call what is not allowed to it', async () => {
    const client = await clientNamed({ dns: ['buyer'] });
    const error = await expectReason(repeat(client), 'PERMISSION_DENIED');
    expect(error.message).to.equal('the caller may not call testing.v1.EchoService/Repeat');
    expect(await say(client)).to.deep.equal({ text: 'hi' });
  });

  it('a client that is not on the list may call nothing', async () => {
    await expectReason(say(await clientNamed({ dns: ['order-service'] })), 'PERMISSION_DENIED');
  });

  it('the common name of a certificate says nothing', async () => {
    const client = await clientNamed({ commonName: 'operator', dns: ['nobody'] });
    await expectReason(say(client), 'PERMISSION_DENIED');
  });

  for (const name of ['*', '*.shop', 'operator.evil', 'xoperator', 'operator/x'])
    it(`a certificate for ${name} is none for an operator`, async () => {
      await expectReason(say(await clientNamed({ dns: [name] })), 'PERMISSION_DENIED');
    });

  it('names that are hidden inside another are none', async () => {
    const client = await clientNamed({ dns: ['x, DNS:operator', 'x", DNS:operator, DNS:"y'] });
    await expectReason(say(client), 'UNAUTHENTICATED');
  });

  it('a certificate without names is nobody', async () => {
    const client = await clientNamed({ commonName: 'operator', dns: [], ips: ['127.0.0.1'] });
    await expectReason(say(client), 'UNAUTHENTICATED');
  });

  it('a refusal is a span, a metric, and a log line that names the caller', async () => {
    const client = await clientNamed({ dns: ['mallory', 'mallory.shop.svc'] });
    const method = 'testing.v1.EchoService/Say';
    const labels = { service: 'echo-service', method, status: 'PERMISSION_DENIED' };
    const before = await echo.server.metric('requests_total', labels);

    const { traceId } = await inTrace(() => expectReason(say(client), 'PERMISSION_DENIED'));

    expect(await echo.server.metric('requests_total', labels)).to.equal(before + 1);
    const [line] = await echo.server.logged('call served', { trace_id: traceId });
    expect(line).to.include({ method, status: 'PERMISSION_DENIED', client: 'mallory mallory.shop.svc' });
    const spans = await spansOf(traceId, 3);
    const served = spans.find(({ kind }) => kind === SpanKind.SERVER);
    expect(served?.attributes).to.include({ 'grpc.error_name': 'PERMISSION_DENIED' });
  });
});
