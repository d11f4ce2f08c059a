import { expect } from 'chai';
import {
  HealthCheckResponse_ServingStatus as Serving,
  HealthService,
} from '../../../pkg/pb/grpc/health/v1/health.js';
import { startTelemetry } from '../../../pkg/observability/index.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { serve, type RpcClient } from '../../../pkg/rpc/index.js';
import { echoService } from '../../support/rpc/echo-service.js';
import { loneClient } from '../../support/rpc/lone-client.js';
import { rawCall } from '../../support/rpc/raw-call.js';
import { aServerConfig, aTelemetryConfig } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';
import { startTlsEcho, type TlsEcho } from './echo.js';

type Health = RpcClient<typeof HealthService>;

describe('health with mutual TLS', () => {
  let echo: TlsEcho;
  let isReady: boolean;
  const clients: Health[] = [];

  beforeEach(async () => {
    isReady = true;
    echo = await startTlsEcho({
      allowed: 'buyer=*',
      config: { healthPort: 0 },
      readiness: async () => isReady,
    });
  });
  afterEach(async () => {
    await echo.close();
    for (const client of clients.splice(0)) client.close();
  });

  const healthPort = (): string => echo.server.healthAddress ?? 'none';
  const probe = (): Health => {
    const client = loneClient(HealthService, healthPort());
    clients.push(client);
    return client;
  };
  const becomes = (health: Health, service: string, expected: Serving): Promise<unknown> =>
    waitFor(
      async () => (await health.check({ service })).status === expected,
      `status ${Serving[expected]} of "${service}"`,
    );

  it('is served on the health port without TLS and follows readiness', async () => {
    const health = probe();
    await becomes(health, '', Serving.SERVING);
    isReady = false;
    await becomes(health, 'testing.v1.EchoService', Serving.NOT_SERVING);
    expect(await health.check({ service: 'liveness' })).to.deep.equal({ status: Serving.SERVING });
    const { statuses } = await health.list({});
    expect(Object.keys(statuses)).to.include.members(['', 'liveness', 'testing.v1.EchoService']);
  });

  it('is served over TLS to a client without allowed methods', async () => {
    const files = echo.filesOf(await echo.authority.issue({ dns: ['stranger'] }), echo.authority);
    const health = loneClient(HealthService, echo.target, { transport: await echo.transport(files) });
    clients.push(health);
    await becomes(health, '', Serving.SERVING);
  });

  it('is not served to a client without TLS on the TLS port', async () => {
    const health = loneClient(HealthService, echo.target);
    clients.push(health);
    await expectReason(health.check({ service: '' }), 'DEPENDENCY_UNAVAILABLE');
  });

  for (const path of [
    '/testing.v1.EchoService/Say',
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  ])
    it(`is the only service on the health port, which rejects ${path}`, async () => {
      const response = await rawCall(healthPort(), { path });
      expect(response.error().reason).to.equal('METHOD_NOT_FOUND');
    });

  it('is sent to a Watch call on the health port until the server stops', async () => {
    await becomes(probe(), '', Serving.SERVING);
    const seen: Serving[] = [];
    const watching = (async () => {
      for await (const { status } of probe().watch({ service: '' })) seen.push(status);
    })();
    await waitFor(() => seen.length === 1, 'first status');
    const ended = expectReason(watching, 'SHUTTING_DOWN');
    await echo.server.stop();
    await ended;
    expect(seen).to.deep.equal([Serving.SERVING, Serving.NOT_SERVING]);
  });

  it('has no separate port by default', async () => {
    const other = await startTlsEcho({ allowed: 'buyer=*' });
    expect(other.server.healthAddress).to.equal(undefined);
    await other.close();
  });

  it('prevents the start of the server when the health port is in use', async () => {
    const taken = Number(healthPort().split(':').at(-1));
    const telemetry = await startTelemetry(aTelemetryConfig({ logLevel: 'silent' }));
    const failed = serve({
      config: aServerConfig({ healthPort: taken }),
      telemetry,
      services: [echoService()],
      readiness: async () => true,
    });
    expect((await failureOf(failed)).message).to.include(`cannot listen on 127.0.0.1:${taken}`);
    await telemetry.close();
  });
});
