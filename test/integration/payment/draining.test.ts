import { expect } from 'chai';
import { claimLimit } from '../../../pkg/payment/background.js';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import { RefundService } from '../../../pkg/payment/refunds/refund-service.js';
import { FaultInjectingGateway } from '../../../pkg/payment/testing/fault-injecting-gateway.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { aPaymentService } from '../../support/payment/payment-service.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { createGateway, retryTimes } from './server.js';

const signal = new AbortController().signal;
const insertPendingVoids = sql(
  'test.insert_pending_voids',
  `insert into payments (id, state, void_retry_at)
   select id, 'VOIDED', now() - interval '1 minute' from unnest($ids::uuid[]) id`,
);
const countDue = sql(
  'test.count_due_voids',
  `select count(*)::int as pending, coalesce(max(attempts), 0) as attempts,
     count(*) filter (where void_retry_at > now() + interval '1 minute')::int as delayed
   from payments where void_retry_at is not null`,
);

describe('voids and refunds that are pending after an outage', () => {
  let database: TestDatabase;
  let gateway: FaultInjectingGateway;

  beforeEach(async () => {
    database = await createTestDatabase(paymentMigrations);
    gateway = new FaultInjectingGateway(createGateway(database.db));
  });
  afterEach(() => database.drop());

  const deps = (retryMs = 0) => ({
    db: database.db,
    gateway,
    events: { changed: () => undefined },
    times: { ...retryTimes, retryMs },
  });
  const replicas = [1, 2, 3];
  const countVoids = async () =>
    (await database.db.query<{ pending: number; attempts: number; delayed: number }>(countDue()))[0];

  it('are voided by three replicas in one run, with one call to the gateway each', async () => {
    const ids = Array.from({ length: 1500 }, () => uuidv7());
    await database.db.query(insertPendingVoids({ ids }));
    await Promise.all(replicas.map(() => aPaymentService(deps()).confirmDueVoids(signal)));
    expect(await countVoids()).to.deep.include({ pending: 0 });
    expect(new Set(ids.map((id) => gateway.callsOf('void', id)))).to.deep.equal(new Set([1]));
  });

  it('are refunded by three replicas in one run, with one refund at the gateway each', async () => {
    const payments = aPaymentService(deps());
    const refunds = new RefundService(deps());
    const ids = Array.from({ length: 100 }, () => uuidv7());
    for (const paymentId of ids) {
      const amount = { currency: 'USD', minor: 1000n };
      await payments.authorize({ paymentId, orderId: uuidv7(), amount, method: 'pm_approve' }, signal);
      await payments.capture(paymentId, undefined, signal);
    }
    gateway.isDown = true;
    for (const paymentId of ids)
      await expectReason(
        refunds.refund({ paymentId, requestId: 'r', amount: undefined }, signal),
        'PAYMENT_IN_DOUBT',
      );
    gateway.isDown = false;
    await Promise.all(replicas.map(() => new RefundService(deps()).finishDueRefunds(signal)));
    for (const paymentId of ids) {
      expect(await payments.get(paymentId)).to.include({ state: 'REFUNDED' });
      // The first call failed during the outage.
      expect(gateway.callsOf('refund', paymentId)).to.equal(2);
      expect(gateway.callsOf('lookupRefund', paymentId)).to.equal(1);
    }
  });

  it('cost one round of calls per run while the gateway is down, with a delay for each attempted void', async () => {
    const ids = Array.from({ length: 200 }, () => uuidv7());
    await database.db.query(insertPendingVoids({ ids }));
    gateway.isDown = true;
    // The delay is at most 10 seconds however long the base of the backoff is.
    const service = aPaymentService(deps(3_600_000));
    expect(await failureOf(service.confirmDueVoids(signal))).to.be.instanceOf(AggregateError);
    const calls = ids.reduce((count, id) => count + gateway.callsOf('void', id), 0);
    expect(calls).to.equal(claimLimit);
    expect(await countVoids()).to.deep.equal({ pending: 200, attempts: 1, delayed: 0 });
  });

  it('are not attempted by another replica during a gateway call, however long the call takes', async () => {
    const [id] = [uuidv7()];
    await database.db.query(insertPendingVoids({ ids: [id] }));
    const held = gateway.holdResponse('void');
    const running = aPaymentService(deps()).confirmDueVoids(signal);
    await held.effectApplied;
    await Promise.all(replicas.map(() => aPaymentService(deps()).confirmDueVoids(signal)));
    expect(gateway.callsOf('void', id)).to.equal(1);
    held.release();
    await running;
    expect(await countVoids()).to.deep.include({ pending: 0 });
  });
});
