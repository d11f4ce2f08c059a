import { expect } from 'chai';
import { GatewayInDoubt, type AuthorizeRequest } from '../../pkg/payment/gateway.js';
import { paymentMigrations } from '../../pkg/payment/migrations.js';
import { SimulatedGateway, type SimulatedGatewayDeps } from '../../pkg/payment/simulated-gateway.js';
import { openDatabase } from '../../pkg/postgres/index.js';
import { failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import {
  createTestDatabase,
  testDatabaseConfig,
  type TestDatabase,
} from '../../pkg/postgres/testing/test-database.js';
import { pause, uuidv7 } from '../../pkg/runtime/index.js';

const signal = new AbortController().signal;

describe('the simulated gateway', () => {
  let database: TestDatabase;

  before(async () => {
    database = await createTestDatabase(paymentMigrations);
  });
  after(() => database.drop());

  function aGateway(deps: Partial<SimulatedGatewayDeps> = {}): SimulatedGateway {
    const config = { failureRate: 0, slowDelayMs: 60_000, latencyMs: 0 };
    return new SimulatedGateway({
      db: database.db,
      config,
      random: () => 0.5,
      wait: pause,
      newId: uuidv7,
      ...deps,
    });
  }
  function anAuthorizeRequest(init: Partial<AuthorizeRequest> = {}): AuthorizeRequest {
    return {
      key: uuidv7(),
      orderId: uuidv7(),
      amount: { currency: 'USD', minor: 1000n },
      method: 'pm_approve',
      signal,
      ...init,
    };
  }

  it('repeats its first answer, its reference included', async () => {
    const gateway = aGateway();
    const request = anAuthorizeRequest();
    const first = await gateway.authorize(request);
    expect(first.outcome).to.equal('APPROVED');
    expect(await gateway.authorize(request)).to.deep.equal(first);
    expect(await gateway.lookup(request)).to.include({ authorizationCount: 1, authorized: 1000n });
  });

  it('decides by chance once a key', async () => {
    const config = { failureRate: 0.2, slowDelayMs: 0, latencyMs: 0 };
    const [lucky, unlucky] = [0.2, 0.19].map((chance) => aGateway({ config, random: () => chance })) as [
      SimulatedGateway,
      SimulatedGateway,
    ];
    const [approved, declined] = [anAuthorizeRequest(), anAuthorizeRequest()];
    expect(await lucky.authorize(approved)).to.include({ outcome: 'APPROVED' });
    expect(await unlucky.authorize(declined)).to.include({ outcome: 'DECLINED' });
    expect(await unlucky.authorize(approved)).to.include({ outcome: 'APPROVED' });
    expect(await lucky.authorize(declined)).to.include({ outcome: 'DECLINED' });
    expect(await unlucky.authorize(anAuthorizeRequest({ method: 'pm_slow' }))).to.include({
      outcome: 'APPROVED',
    });
  });

  it('cancels by merchant reference: no authorization of a voided key succeeds', async () => {
    const gateway = aGateway();
    for (const method of ['pm_approve', 'pm_decline_card_expired', 'pm_fail_1_then_approve']) {
      const request = anAuthorizeRequest({ method });
      expect(await gateway.void(request)).to.deep.equal({ outcome: 'VOIDED', released: undefined });
      expect(await gateway.authorize(request)).to.deep.equal({ outcome: 'VOIDED' });
      expect(await gateway.lookup(request)).to.include({ authorizationCount: 0, voided: true });
    }
  });

  it('voids a key between its failed attempts', async () => {
    const gateway = aGateway();
    const request = anAuthorizeRequest({ method: 'pm_fail_2_then_approve' });
    expect(await failureOf(gateway.authorize(request))).to.be.instanceOf(GatewayInDoubt);
    expect(await gateway.void(request)).to.deep.equal({ outcome: 'VOIDED', released: undefined });
    expect(await gateway.authorize(request)).to.deep.equal({ outcome: 'VOIDED' });
  });

  it('says what a void gives up, also when it is repeated', async () => {
    const gateway = aGateway();
    const request = anAuthorizeRequest();
    await gateway.authorize(request);
    for (let call = 0; call < 2; call += 1)
      expect(await gateway.void(request)).to.deep.equal({ outcome: 'VOIDED', released: request.amount });
  });

  it('captures no more than it authorized, and nothing that it did not', async () => {
    const gateway = aGateway();
    const request = anAuthorizeRequest();
    const refused = { outcome: 'NOT_AUTHORIZED' };
    expect(await gateway.capture({ ...request, amount: 1n })).to.deep.equal(refused);
    await gateway.authorize(request);
    expect(await gateway.capture({ ...request, amount: 1001n })).to.deep.equal(refused);
    expect(await gateway.capture({ ...request, amount: 600n })).to.deep.include({ amount: 600n });
    expect(await gateway.capture({ ...request, amount: 1000n })).to.deep.include({ amount: 600n });
  });

  it('refunds no more than it captured, and each key once', async () => {
    const gateway = aGateway();
    const request = anAuthorizeRequest();
    const refund = (refundKey: string, amount: bigint) =>
      gateway.refund({ key: request.key, refundKey, amount, signal });
    await gateway.authorize(request);
    expect(await refund('early', 1n)).to.deep.equal({ outcome: 'REFUSED' });
    await gateway.capture({ ...request, amount: 600n });
    for (let call = 0; call < 2; call += 1)
      expect(await refund('a', 400n)).to.deep.equal({ outcome: 'REFUNDED' });
    expect(await refund('a', 100n)).to.deep.equal({ outcome: 'REFUSED' });
    expect(await refund('b', 201n)).to.deep.equal({ outcome: 'REFUSED' });
    expect(await gateway.lookup(request)).to.include({ captured: 600n, refunded: 400n });
  });

  it('acts first and then takes its time, for which callers need not wait', async () => {
    const gateway = aGateway();
    const caller = new AbortController();
    const request = anAuthorizeRequest({ method: 'pm_slow', signal: caller.signal });
    const gone = failureOf(gateway.authorize(request));
    while ((await gateway.lookup({ ...request, signal })).authorizationCount === 0) await pause(5);
    caller.abort();
    expect(await gone).to.include({ name: 'GatewayInDoubt', kind: 'TIMEOUT' });
    expect(await gateway.authorize({ ...request, signal })).to.include({ outcome: 'APPROVED' });
  });

  it('does nothing for a caller who goes while the request is on its way', async () => {
    const gateway = aGateway({ config: { failureRate: 0, slowDelayMs: 0, latencyMs: 60_000 } });
    const caller = new AbortController();
    const request = anAuthorizeRequest({ signal: caller.signal });
    const gone = failureOf(gateway.authorize(request));
    caller.abort();
    expect(await gone).to.be.instanceOf(GatewayInDoubt);
    expect(await aGateway().lookup({ ...request, signal })).to.include({ authorizationCount: 0 });
  });

  it('is in doubt when it cannot reach its books', async () => {
    const db = await openDatabase(testDatabaseConfig(database.url), { warn: () => undefined });
    await db.close();
    const failure = await failureOf(aGateway({ db }).authorize(anAuthorizeRequest()));
    expect(failure).to.include({ name: 'GatewayInDoubt', kind: 'UNAVAILABLE' });
  });
});
