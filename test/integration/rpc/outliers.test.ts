import { once } from 'node:events';
import { expect } from 'chai';
import { AppError, isAppError, type Reason } from '../../../pkg/errors/index.js';
import { createClient, handler, type RpcClient } from '../../../pkg/rpc/index.js';
import { defaultIntervals, roundRobinConfig } from '../../../pkg/rpc/client/load-balancing.js';
import { defaultOutlierLimits, type OutlierLimits } from '../../../pkg/rpc/client/outlier-detection.js';
import { pause, Scope } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { EchoServiceService, validated } from '../../support/rpc/echo-service.js';
import { startFreezingProxy, type FreezingProxy } from '../../support/rpc/freezing-proxy.js';
import { testNames } from '../../support/rpc/test-names.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';

type EchoClient = RpcClient<typeof EchoServiceService>;

const stepTimeoutMs = 1500;

describe('outlier detection', () => {
  let scope: Scope;
  let servers: TestServer[];
  let frozen: FreezingProxy;
  let names = 0;
  let rejection: Reason | undefined;

  beforeEach(async () => {
    scope = new Scope();
    rejection = undefined;
    const say = handler(validated, async (text) => {
      if (rejection) throw new AppError({ reason: rejection, message: 'rejected' });
      return { text };
    });
    const repeat = handler(validated, async function* repeat(text, { signal }) {
      yield { text };
      await once(signal, 'abort');
    });
    servers = await Promise.all([1, 2].map(() => startTestServer({ handlers: { say, repeat } })));
    for (const server of servers) scope.use(server);
    frozen = scope.use(await startFreezingProxy(servers[0]?.address ?? ''));
    names += 1;
    testNames.set(`outliers-${names}`, [frozen.address, servers[1]?.address ?? '']);
  });
  afterEach(() => scope.close());

  const connect = (limits: Partial<OutlierLimits> = {}, timeoutMs = stepTimeoutMs): EchoClient => {
    const outliers = { ...defaultOutlierLimits, ...limits };
    const config = { loadBalancingConfig: [roundRobinConfig({ ...defaultIntervals, outliers })] };
    return scope.use(
      createClient(EchoServiceService, {
        name: 'echo',
        target: `test-names:outliers-${names}`,
        timeoutMs,
        retry: false,
        ...(servers[1] ? { telemetry: servers[1].telemetry } : {}),
        channelOptions: {
          'grpc.service_config': JSON.stringify(config),
          'grpc.use_local_subchannel_pool': 1,
        },
      }),
    );
  };
  const served = (server: TestServer | undefined): Promise<number> =>
    server?.metric('requests_total', { method: 'testing.v1.EchoService/Say' }) ?? Promise.resolve(0);
  const warmUp = async (client: EchoClient): Promise<void> => {
    await waitFor(async () => {
      await client.say({ text: 'warm up' });
      return (await served(servers[0])) > 0 && (await served(servers[1])) > 0;
    }, 'calls of both servers');
  };
  /** Starts a call every 20 ms and returns the times at which calls failed, since the first call. */
  const failuresDuring = async (client: EchoClient, ms: number): Promise<number[]> => {
    const startedAt = Date.now();
    const failures: number[] = [];
    const calls: Promise<unknown>[] = [];
    while (Date.now() - startedAt < ms) {
      calls.push(client.say({ text: 'x' }).catch(() => failures.push(Date.now() - startedAt)));
      await pause(20);
    }
    await Promise.all(calls);
    return failures;
  };

  it('leaves out a frozen address within five seconds, also after its ejection time', async () => {
    const client = connect();
    await warmUp(client);
    frozen.freeze();
    const failures = await failuresDuring(client, 20_000);
    expect(failures.length).to.be.greaterThan(0);
    expect(Math.max(...failures)).to.be.lessThan(5000);
  });

  it('counts and logs the ejections of an address', async () => {
    const client = connect({ silenceMs: 100, baseEjectionMs: 60_000 });
    const ejections = () =>
      servers[1]?.metric('client_address_ejections_total', { service: 'echo-service', target: 'echo' });
    await warmUp(client);
    expect(await ejections()).to.equal(0);
    frozen.freeze();
    await failuresDuring(client, 2500);
    expect(await ejections()).to.equal(1);
    const [line] = (await servers[1]?.logged('address ejected', { target: 'echo' })) ?? [];
    expect(line).to.include({ level: 'warn', address: frozen.address });
  });

  it('sends calls to an address again after it continues', async () => {
    const client = connect({ silenceMs: 100, baseEjectionMs: 500, maxEjectionMs: 500 });
    await warmUp(client);
    frozen.freeze();
    await failuresDuring(client, 2500);
    frozen.thaw();
    const before = await served(servers[0]);
    await waitFor(async () => {
      await client.say({ text: 'again' }).catch(() => undefined);
      return (await served(servers[0])) > before + 5;
    }, 'calls of the address that continued');
  });

  it('keeps the only address that is left', async () => {
    const client = connect({ silenceMs: 100 });
    await warmUp(client);
    frozen.freeze();
    await failuresDuring(client, 2500);
    frozen.thaw();
    await servers[1]?.stop();
    expect(await waitFor(() => client.say({ text: 'kept' }).catch(() => undefined), 'answer')).to.deep.equal({
      text: 'kept',
    });
  });

  it('ends a stream of a frozen server within 25 seconds', async () => {
    testNames.set(`outliers-${names}`, [frozen.address]);
    const client = scope.use(
      createClient(EchoServiceService, {
        name: 'echo',
        target: `test-names:outliers-${names}`,
        timeoutMs: stepTimeoutMs,
        retry: false,
      }),
    );
    const watching = (async () => {
      for await (const { text } of client.repeat({ text: 'x' })) {
        expect(text).to.equal('x');
        frozen.freeze();
      }
    })();
    const startedAt = Date.now();
    await expectReason(watching, 'DEPENDENCY_UNAVAILABLE');
    expect(Date.now() - startedAt).to.be.lessThan(25_000);
  });

  const reasons: readonly Reason[] = [
    'ORDER_NOT_FOUND',
    'CONFLICT',
    'OVERLOADED',
    'ILLEGAL_TRANSITION',
    'PRODUCT_ALREADY_EXISTS',
    'DEADLINE_EXCEEDED',
    'DEPENDENCY_UNAVAILABLE',
    'PERMISSION_DENIED',
    'INTERNAL',
  ];
  it('never leaves out an address for its rejections', async () => {
    const client = connect({}, 30_000);
    await warmUp(client);
    const before = await Promise.all(servers.map((server) => served(server)));
    for (const reason of reasons) {
      rejection = reason;
      const errors = await Promise.all(
        Array.from({ length: 120 }, () => client.say({ text: 'x' }).catch((error: unknown) => error)),
      );
      expect(new Set(errors.map((error) => (isAppError(error) ? error.reason : error)))).to.deep.equal(
        new Set([reason]),
      );
    }
    const after = await Promise.all(servers.map((server) => served(server)));
    expect(after.map((count, index) => count - (before[index] ?? 0))).to.deep.equal([540, 540]);
  });
});
