import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { failureOf } from '../../support/expect-reason.js';
import { startBareServer, trailersOnly } from '../../support/rpc/bare-server.js';
import { EchoServiceService } from '../../support/rpc/echo-service.js';
import { rawCall } from '../../support/rpc/raw-call.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';

describe('RPC metric series', () => {
  let server: TestServer;

  before(async () => {
    server = await startTestServer();
  });
  after(() => server.close());

  /** Returns the lines of a metric in the Prometheus text format. */
  const series = async (name: string): Promise<string[]> => {
    const text = await server.telemetry.metrics.registry.metrics();
    return text.split('\n').filter((line) => line.startsWith(`${name}{`));
  };

  it('exist at zero before the first call', async () => {
    const fresh = await startTestServer();
    const text = await fresh.telemetry.metrics.registry.metrics();
    await fresh.close();
    for (const { path } of Object.values(EchoServiceService))
      for (const code of ['OK', 'INTERNAL', 'UNAVAILABLE', 'DEADLINE_EXCEEDED'])
        expect(text).to.include(
          `requests_total{service="echo-service",method="${path.slice(1)}",status="${code}"} 0`,
        );
  });

  it('have the method label "unknown" for every unknown method', async () => {
    const seriesCount = async (): Promise<number> =>
      (await server.telemetry.metrics.registry.metrics())
        .split('\n')
        .filter((line) => line.includes('method=')).length;
    await rawCall(server.address, { path: '/no.such.Service/Nope' });
    const before = await seriesCount();
    for (let batch = 0; batch < 1000; batch += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          rawCall(server.address, { path: `/no.such.Service${batch + n}/Nope${Math.random()}` }),
        ),
      );
    expect(await seriesCount()).to.equal(before);
    expect(await series('requests_total')).to.include(
      'requests_total{service="echo-service",method="unknown",status="UNIMPLEMENTED"} 1001',
    );
  });

  it('have only gRPC status names as status labels, even when a server sends unknown codes', async () => {
    for (const code of ['17', '99', '-1', '4294967296', 'x']) {
      const bare = await startBareServer(trailersOnly({ 'grpc-status': code }));
      const client = server.client({ target: bare.address, name: 'bare', telemetry: server.telemetry });
      await failureOf(client.say({ text: 'hi' }));
      await bare.close();
    }
    const lines = await series('client_requests_total');
    const statusLabels = lines.map((line) => /status="([^"]*)"/.exec(line)?.[1]);
    expect(statusLabels).to.not.be.empty;
    for (const name of statusLabels) expect(status).to.have.property(name ?? 'none');
  });
});
