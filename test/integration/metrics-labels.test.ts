import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import { startBareServer, trailersOnly } from '../../pkg/rpc/testing/bare-server.js';
import { EchoServiceService } from '../../pkg/rpc/testing/echo-service.js';
import { rawCall } from '../../pkg/rpc/testing/raw-call.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';

describe('label values', () => {
  let server: TestServer;

  before(async () => {
    server = await startTestServer();
  });
  after(() => server.close());

  /** The samples of a metric, with their labels. */
  const series = async (name: string): Promise<string[]> => {
    const text = await server.telemetry.metrics.registry.metrics();
    return text.split('\n').filter((line) => line.startsWith(`${name}{`));
  };

  it('are there at zero before the first call: no rate misses the first failures of a process', async () => {
    const fresh = await startTestServer();
    const text = await fresh.telemetry.metrics.registry.metrics();
    await fresh.close();
    for (const { path } of Object.values(EchoServiceService))
      for (const code of ['OK', 'INTERNAL', 'UNAVAILABLE', 'DEADLINE_EXCEEDED'])
        expect(text).to.include(
          `requests_total{service="echo-service",method="${path.slice(1)}",status="${code}"} 0`,
        );
  });

  it('do not grow with the methods that strangers ask for', async () => {
    const all = async (): Promise<number> =>
      (await server.telemetry.metrics.registry.metrics())
        .split('\n')
        .filter((line) => line.includes('method=')).length;
    await rawCall(server.address, { path: '/no.such.Service/Nope' });
    const before = await all();
    for (let at = 0; at < 1000; at += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          rawCall(server.address, { path: `/no.such.Service${at + n}/Nope${Math.random()}` }),
        ),
      );
    expect(await all()).to.equal(before);
    expect(await series('requests_total')).to.include(
      'requests_total{service="echo-service",method="unknown",status="UNIMPLEMENTED"} 1001',
    );
  });

  it('do not grow with the statuses that a server makes up', async () => {
    for (const made of ['17', '99', '-1', '4294967296', 'x']) {
      const bare = await startBareServer(trailersOnly({ 'grpc-status': made }));
      const client = server.client({ target: bare.address, name: 'bare', telemetry: server.telemetry });
      await failureOf(client.say({ text: 'hi' }));
      await bare.close();
    }
    const seen = (await series('client_requests_total')).map((line) => /status="([^"]*)"/.exec(line)?.[1]);
    expect(seen).to.not.be.empty;
    for (const name of seen) expect(status).to.have.property(name ?? 'none');
  });
});
