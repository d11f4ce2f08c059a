import { expect } from 'chai';
import {
  HealthCheckResponse_ServingStatus as Serving,
  HealthService,
  type HealthCheckResponse,
} from '../../pkg/pb/grpc/health/v1/health.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { createClient, type RpcClient } from '../../pkg/rpc/index.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';

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
    health = createClient(HealthService, {
      name: 'health',
      target: server.address,
      timeoutMs: 5000,
      retry: false,
      channelOptions: { 'grpc.use_local_subchannel_pool': 1 },
    });
  });
  afterEach(async () => {
    await server.close();
    health.close();
  });

  const statusOf = async (name: string): Promise<Serving> => (await health.check({ service: name })).status;
  const becomes = (name: string, status: Serving): Promise<void> =>
    waitFor(async () => (await statusOf(name)) === status, `"${name}" to be ${Serving[status]}`);
  const readyz = async (): Promise<number> => {
    const { status } = await fetch(`http://127.0.0.1:${server.telemetry.http.port}/readyz`);
    return status;
  };

  for (const name of ['', service])
    it(`of "${name}" follows readiness`, async () => {
      await becomes(name, Serving.SERVING);
      expect(await readyz()).to.equal(200);
      readiness = async () => false;
      await becomes(name, Serving.NOT_SERVING);
      expect(await readyz()).to.equal(503);
      readiness = async () => true;
      await becomes(name, Serving.SERVING);
      readiness = () => Promise.reject(new Error('the database is gone'));
      await becomes(name, Serving.NOT_SERVING);
    });

  it('is NOT_SERVING until readiness first says yes', async () => {
    let say: (ready: boolean) => void = () => undefined;
    const slow = await startTestServer({
      readiness: () =>
        new Promise((resolve) => {
          say = resolve;
        }),
    });
    const client = createClient(HealthService, {
      name: 'health',
      target: slow.address,
      timeoutMs: 5000,
      retry: false,
    });
    expect(await client.check({ service })).to.deep.equal({ status: Serving.NOT_SERVING });
    say(true);
    await waitFor(() => slow.health.serving, 'the server to be ready');
    expect(await client.check({ service })).to.deep.equal({ status: Serving.SERVING });
    client.close();
    await slow.close();
  });

  it('of "liveness" is SERVING whatever readiness says', async () => {
    readiness = async () => false;
    await becomes('', Serving.NOT_SERVING);
    expect(await statusOf('liveness')).to.equal(Serving.SERVING);
  });

  it('lists every service', async () => {
    await becomes('', Serving.SERVING);
    const { statuses } = await health.list({});
    expect(Object.keys(statuses).toSorted()).to.deep.equal(['', 'liveness', service]);
  });

  it('of an unknown service is an error', async () => {
    const error = await health.check({ service: 'no.such.Service' }).catch((one: unknown) => one);
    expect(error).to.have.nested.property('cause.code', 5);
  });

  it('is watched from what it is through every change to the shutdown, which ends the watch', async () => {
    await becomes(service, Serving.SERVING);
    const seen: Serving[] = [];
    const watching = (async () => {
      for await (const { status } of health.watch({ service }) as AsyncIterable<HealthCheckResponse>)
        seen.push(status);
    })();
    const ended = expectReason(watching, 'SHUTTING_DOWN');
    await waitFor(() => seen.length === 1, 'the first status');
    readiness = async () => false;
    await waitFor(() => seen.length === 2, 'the second status');
    readiness = async () => true;
    await waitFor(() => seen.length === 3, 'the third status');
    await server.close();
    await ended;
    expect(seen).to.deep.equal([Serving.SERVING, Serving.NOT_SERVING, Serving.SERVING, Serving.NOT_SERVING]);
  });

  it('is asked all the time, and logged at debug', async () => {
    await statusOf('');
    await server.logged('call served', { method: 'grpc.health.v1.Health/Check', level: 'debug' });
  });
});
