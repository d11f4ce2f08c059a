import { expect } from 'chai';
import {
  HealthCheckResponse_ServingStatus as Serving,
  HealthService,
  type HealthCheckResponse,
} from '../../../pkg/pb/grpc/health/v1/health.js';
import { expectReason } from '../../support/expect-reason.js';
import type { RpcClient } from '../../../pkg/rpc/index.js';
import { loneClient } from '../../support/rpc/lone-client.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';

const service = 'testing.v1.EchoService';

describe('health', () => {
  let server: TestServer;
  let health: RpcClient<typeof HealthService>;
  let readiness: () => Promise<boolean>;

  beforeEach(async () => {
    readiness = async () => true;
    server = await startTestServer({
      config: { shutdownTimeoutMs: 60_000 },
      readiness: () => readiness(),
    });
    health = loneClient(HealthService, server.address);
  });
  afterEach(async () => {
    await server.close();
    health.close();
  });

  const statusOf = async (name: string): Promise<Serving> => (await health.check({ service: name })).status;
  const becomes = (name: string, status: Serving): Promise<unknown> =>
    waitFor(async () => (await statusOf(name)) === status, `status ${Serving[status]} of "${name}"`);
  const readyz = async (): Promise<number> => {
    const { status } = await fetch(`http://127.0.0.1:${server.telemetry.http.port}/readyz`);
    return status;
  };

  for (const name of ['', service])
    it(`follows readiness for the service name "${name}"`, async () => {
      await becomes(name, Serving.SERVING);
      expect(await readyz()).to.equal(200);
      readiness = async () => false;
      await becomes(name, Serving.NOT_SERVING);
      expect(await readyz()).to.equal(503);
      readiness = async () => true;
      await becomes(name, Serving.SERVING);
      readiness = () => Promise.reject(new Error('no connection'));
      await becomes(name, Serving.NOT_SERVING);
    });

  it('is NOT_SERVING until the first successful readiness check', async () => {
    let setReady: (ready: boolean) => void = () => undefined;
    const slow = await startTestServer({
      readiness: () =>
        new Promise((resolve) => {
          setReady = resolve;
        }),
    });
    const client = loneClient(HealthService, slow.address);
    expect(await client.check({ service })).to.deep.equal({ status: Serving.NOT_SERVING });
    setReady(true);
    await waitFor(() => slow.health.serving, 'ready server');
    expect(await client.check({ service })).to.deep.equal({ status: Serving.SERVING });
    client.close();
    await slow.close();
  });

  it('is SERVING for the service name "liveness" regardless of readiness', async () => {
    readiness = async () => false;
    await becomes('', Serving.NOT_SERVING);
    expect(await statusOf('liveness')).to.equal(Serving.SERVING);
  });

  it('lists every service name', async () => {
    await becomes('', Serving.SERVING);
    const { statuses } = await health.list({});
    expect(Object.keys(statuses).toSorted()).to.deep.equal(['', 'liveness', service]);
  });

  it('returns NOT_FOUND for an unknown service name', async () => {
    const error = await health.check({ service: 'no.such.Service' }).catch((failure: unknown) => failure);
    expect(error).to.have.nested.property('cause.code', 5);
  });

  it('sends the current status and every change to a Watch call until shutdown', async () => {
    await becomes(service, Serving.SERVING);
    const seen: Serving[] = [];
    const watching = (async () => {
      for await (const { status } of health.watch({ service }) as AsyncIterable<HealthCheckResponse>)
        seen.push(status);
    })();
    const ended = expectReason(watching, 'SHUTTING_DOWN');
    await waitFor(() => seen.length === 1, 'first status');
    readiness = async () => false;
    await waitFor(() => seen.length === 2, 'second status');
    readiness = async () => true;
    await waitFor(() => seen.length === 3, 'third status');
    await server.close();
    await ended;
    expect(seen).to.deep.equal([Serving.SERVING, Serving.NOT_SERVING, Serving.SERVING, Serving.NOT_SERVING]);
  });

  it('logs checks at debug', async () => {
    await statusOf('');
    await server.logged('call served', { method: 'grpc.health.v1.Health/Check', level: 'debug' });
  });
});
