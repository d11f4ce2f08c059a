import { SpanKind } from '@opentelemetry/api';
import { expect } from 'chai';
import { expectReason } from '../../support/expect-reason.js';
import { allOf } from '../../support/rpc/all-of.js';
import { inTrace, spansOf } from '../../support/rpc/span-recorder.js';
import type { Subject } from '../../../scripts/dev-certs/certificates.js';
import { startTlsEcho, type EchoClient, type TlsEcho } from './echo.js';

const allowed = `
  operator=*
  buyer=testing.v1.EchoService/Say
  spiffe://shop/ns/orders/sa/order-service=testing.v1.EchoService/*
`;

const say = (client: EchoClient): Promise<unknown> => client.say({ text: 'hi' });
const repeat = (client: EchoClient): Promise<unknown> => allOf(client.repeat({ text: 'hi' }));

describe('authorization with mutual TLS', () => {
  let echo: TlsEcho;

  before(async () => {
    echo = await startTlsEcho({ allowed });
  });
  after(() => echo.close());

  const clientNamed = async (subject: Partial<Subject>): Promise<EchoClient> =>
    echo.client(await echo.authority.issue(subject));

  it('allows a client that is listed with * to call all methods', async () => {
    const client = await clientNamed({ dns: ['operator'] });
    expect(await say(client)).to.deep.equal({ text: 'hi' });
    expect(await repeat(client)).to.have.length(3);
  });

  it('accepts a client if any of its DNS names is listed, regardless of letter case', async () => {
    const client = await clientNamed({ dns: ['buyer.shop.svc', 'Buyer'] });
    expect(await say(client)).to.deep.equal({ text: 'hi' });
    await echo.server.logged('call served', { status: 'OK', client: 'buyer' });
  });

  it('accepts a client if a URI of its certificate is listed', async () => {
    const client = await clientNamed({ dns: [], uris: ['spiffe://shop/ns/orders/sa/order-service'] });
    expect(await repeat(client)).to.have.length(3);
  });

  it('rejects a method that is not listed for the client', async () => {
    const client = await clientNamed({ dns: ['buyer'] });
    const error = await expectReason(repeat(client), 'PERMISSION_DENIED');
    expect(error.message).to.equal('the caller may not call testing.v1.EchoService/Repeat');
    expect(await say(client)).to.deep.equal({ text: 'hi' });
  });

  it('rejects a client that is not listed', async () => {
    await expectReason(say(await clientNamed({ dns: ['order-service'] })), 'PERMISSION_DENIED');
  });

  it('ignores the common name of a certificate', async () => {
    const client = await clientNamed({ commonName: 'operator', dns: ['unlisted'] });
    await expectReason(say(client), 'PERMISSION_DENIED');
  });

  for (const name of ['*', '*.shop', 'operator.evil', 'xoperator', 'operator/x'])
    it(`rejects the name ${name}, which differs from the listed name operator`, async () => {
      await expectReason(say(await clientNamed({ dns: [name] })), 'PERMISSION_DENIED');
    });

  it('rejects a DNS name whose text imitates a second, listed DNS name', async () => {
    const client = await clientNamed({ dns: ['x, DNS:operator', 'x", DNS:operator, DNS:"y'] });
    await expectReason(say(client), 'UNAUTHENTICATED');
  });

  it('rejects a certificate without DNS names and URIs', async () => {
    const client = await clientNamed({ commonName: 'operator', dns: [], ips: ['127.0.0.1'] });
    await expectReason(say(client), 'UNAUTHENTICATED');
  });

  it('records a rejection as a span, a metric and a log line with the caller', async () => {
    const client = await clientNamed({ dns: ['mallory', 'mallory.shop.svc'] });
    const method = 'testing.v1.EchoService/Say';
    const labels = { service: 'echo-service', method, status: 'PERMISSION_DENIED' };
    const before = await echo.server.metric('requests_total', labels);

    const { traceId } = await inTrace(() => expectReason(say(client), 'PERMISSION_DENIED'));

    expect(await echo.server.metric('requests_total', labels)).to.equal(before + 1);
    const [line] = await echo.server.logged('call served', { trace_id: traceId });
    expect(line).to.include({ method, status: 'PERMISSION_DENIED', client: 'mallory mallory.shop.svc' });
    const spans = await spansOf(traceId, 3);
    const serverSpan = spans.find(({ kind }) => kind === SpanKind.SERVER);
    expect(serverSpan?.attributes).to.include({ 'grpc.error_name': 'PERMISSION_DENIED' });
  });
});
