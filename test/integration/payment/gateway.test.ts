import { expect } from 'chai';
import { GatewayInDoubt, type AuthorizeRequest } from '../../../pkg/payment/gateway/gateway.js';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import { ChargeBatches } from '../../../pkg/payment/gateway/charge-batches.js';
import {
  SimulatedGateway,
  type SimulatedGatewayDeps,
} from '../../../pkg/payment/gateway/simulated-gateway.js';
import { openDatabase } from '../../../pkg/postgres/index.js';
import { failureOf } from '../../support/expect-reason.js';
import { waitFor } from '../../support/wait-for.js';
import {
  createTestDatabase,
  testDatabaseConfig,
  type TestDatabase,
} from '../../support/postgres/test-database.js';
import { pause, uuidv7 } from '../../../pkg/runtime/index.js';
import { gatewayConfig } from './server.js';

const signal = new AbortController().signal;

describe('the simulated gateway', () => {
  let database: TestDatabase;

  before(async () => {
    database = await createTestDatabase(paymentMigrations);
  });
  after(() => database.drop());

  function aGateway(deps: Partial<SimulatedGatewayDeps> = {}): SimulatedGateway {
    const config = { ...gatewayConfig, slowDelayMs: 60_000 };
    const db = deps.db ?? database.db;
    return new SimulatedGateway({
      db,
      charges: new ChargeBatches(db, { maxItems: 64 }),
      config,
      random: () => 0.5,
      wait: pause,
      newId: uuidv7,
      ...deps,
    });
  }
  function anAuthorizeRequest(overrides: Partial<AuthorizeRequest> = {}): AuthorizeRequest {
    return {
      key: uuidv7(),
      orderId: uuidv7(),
      amount: { currency: 'USD', minor: 1000n },
      method: 'pm_approve',
      signal,
      ...overrides,
    };
  }

  it('repeats its first answer with the same reference', async () => {
    const gateway = aGateway();
    const request = anAuthorizeRequest();
    const first = await gateway.authorize(request);
    expect(first.outcome).to.equal('APPROVED');
    expect(await gateway.authorize(request)).to.deep.equal(first);
    expect(await gateway.lookup(request)).to.include({ authorizationCount: 1, authorized: 1000n });
  });

  it('makes one random decision per key', async () => {
    const config = { ...gatewayConfig, failureRate: 0.2 };
    const [approving, declining] = [0.2, 0.19].map((value) => aGateway({ config, random: () => value })) as [
      SimulatedGateway,
      SimulatedGateway,
    ];
    const [approved, declined] = [anAuthorizeRequest(), anAuthorizeRequest()];
    expect(await approving.authorize(approved)).to.include({ outcome: 'APPROVED' });
    expect(await declining.authorize(declined)).to.include({ outcome: 'DECLINED' });
    expect(await declining.authorize(approved)).to.include({ outcome: 'APPROVED' });
    expect(await approving.authorize(declined)).to.include({ outcome: 'DECLINED' });
    expect(await declining.authorize(anAuthorizeRequest({ method: 'pm_slow' }))).to.include({
      outcome: 'APPROVED',
    });
  });

  it('rejects the authorization of a key that was voided before', async () => {
    const gateway = aGateway();
    for (const method of ['pm_approve', 'pm_decline_card_expired', 'pm_fail_1_then_approve']) {
      const request = anAuthorizeRequest({ method });
      expect(await gateway.void(request)).to.deep.equal({ outcome: 'VOIDED', released: undefined });
      expect(await gateway.authorize(request)).to.deep.equal({ outcome: 'VOIDED' });
      expect(await gateway.lookup(request)).to.include({ authorizationCount: 0, voided: true });
    }
  });

  it('voids a key after a failed attempt', async () => {
    const gateway = aGateway();
    const request = anAuthorizeRequest({ method: 'pm_fail_2_then_approve' });
    expect(await failureOf(gateway.authorize(request))).to.be.instanceOf(GatewayInDoubt);
    expect(await gateway.void(request)).to.deep.equal({ outcome: 'VOIDED', released: undefined });
    expect(await gateway.authorize(request)).to.deep.equal({ outcome: 'VOIDED' });
  });

  it('returns the released amount of a void, even when the void is repeated', async () => {
    const gateway = aGateway();
    const request = anAuthorizeRequest();
    await gateway.authorize(request);
    for (let call = 0; call < 2; call += 1)
      expect(await gateway.void(request)).to.deep.equal({ outcome: 'VOIDED', released: request.amount });
  });

  it('captures at most the authorized amount', async () => {
    const gateway = aGateway();
    const request = anAuthorizeRequest();
    const notAuthorized = { outcome: 'NOT_AUTHORIZED' };
    expect(await gateway.capture({ ...request, amount: 1n })).to.deep.equal(notAuthorized);
    await gateway.authorize(request);
    expect(await gateway.capture({ ...request, amount: 1001n })).to.deep.equal(notAuthorized);
    expect(await gateway.capture({ ...request, amount: 600n })).to.deep.include({ amount: 600n });
    expect(await gateway.capture({ ...request, amount: 1000n })).to.deep.include({ amount: 600n });
  });

  it('refunds at most the captured amount, and each refund key once', async () => {
    const gateway = aGateway();
    const request = anAuthorizeRequest();
    const refund = (refundKey: string, amount: bigint) =>
      gateway.refund({ key: request.key, refundKey, amount, signal });
    await gateway.authorize(request);
    expect(await refund('early', 1n)).to.deep.equal({ outcome: 'DECLINED' });
    await gateway.capture({ ...request, amount: 600n });
    for (let call = 0; call < 2; call += 1)
      expect(await refund('a', 400n)).to.deep.equal({ outcome: 'REFUNDED' });
    expect(await refund('a', 100n)).to.deep.equal({ outcome: 'DECLINED' });
    expect(await refund('b', 201n)).to.deep.equal({ outcome: 'DECLINED' });
    expect(await gateway.lookup(request)).to.include({ captured: 600n, refunded: 400n });
  });

  it('makes no refund with a cancelled key, also after the lifetime of keys, and cancels no refund that it has made', async () => {
    const gateway = aGateway({ config: { ...gatewayConfig, keyLifetimeMs: 0 } });
    const request = anAuthorizeRequest();
    const call = (refundKey: string) => ({ key: request.key, refundKey, signal });
    expect(await gateway.cancelRefund(call('before the charge'))).to.deep.equal({ outcome: 'CANCELLED' });
    await gateway.authorize(request);
    await gateway.capture({ ...request, amount: 600n });
    for (let repetition = 0; repetition < 2; repetition += 1) {
      expect(await gateway.cancelRefund(call('a'))).to.deep.equal({ outcome: 'CANCELLED' });
      expect(await gateway.refund({ ...call('a'), amount: 400n })).to.deep.equal({ outcome: 'DECLINED' });
      expect(await gateway.lookupRefund(call('a'))).to.deep.equal({ outcome: 'DECLINED' });
    }
    await gateway.refund({ ...call('b'), amount: 400n });
    expect(await gateway.cancelRefund(call('b'))).to.deep.equal({ outcome: 'REFUNDED', amount: 400n });
    expect(await gateway.lookup(request)).to.include({ captured: 600n, refunded: 400n });
  });

  it('stores the charge before a slow answer, even when the caller cancels', async () => {
    const gateway = aGateway();
    const caller = new AbortController();
    const request = anAuthorizeRequest({ method: 'pm_slow', signal: caller.signal });
    const failure = failureOf(gateway.authorize(request));
    const isCharged = async () => (await gateway.lookup({ ...request, signal })).authorizationCount > 0;
    await waitFor(isCharged, 'charge');
    caller.abort();
    expect(await failure).to.include({ name: 'GatewayInDoubt', kind: 'TIMEOUT' });
    expect(await gateway.authorize({ ...request, signal })).to.include({ outcome: 'APPROVED' });
  });

  it('stores no charge if the caller cancels during the request latency', async () => {
    const gateway = aGateway({ config: { ...gatewayConfig, latencyMs: 60_000 } });
    const caller = new AbortController();
    const request = anAuthorizeRequest({ signal: caller.signal });
    const failure = failureOf(gateway.authorize(request));
    caller.abort();
    expect(await failure).to.be.instanceOf(GatewayInDoubt);
    expect(await aGateway().lookup({ ...request, signal })).to.include({ authorizationCount: 0 });
  });

  it('throws GatewayInDoubt if its database is unreachable', async () => {
    const db = await openDatabase(testDatabaseConfig(database.url), { warn: () => undefined });
    await db.close();
    const failure = await failureOf(aGateway({ db }).authorize(anAuthorizeRequest()));
    expect(failure).to.include({ name: 'GatewayInDoubt', kind: 'UNAVAILABLE' });
  });
});
