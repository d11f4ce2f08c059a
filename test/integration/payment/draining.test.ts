import { expect } from 'chai';
import { isAppError } from '../../../pkg/errors/index.js';
import { claimLimit } from '../../../pkg/payment/background.js';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import { RefundService } from '../../../pkg/payment/refunds/refund-service.js';
import type { PaymentGateway } from '../../../pkg/payment/gateway/gateway.js';
import { FaultInjectingGateway } from '../../../pkg/payment/testing/fault-injecting-gateway.js';
import { sql } from '../../../pkg/postgres/index.js';
import { pause, uuidv7 } from '../../../pkg/runtime/index.js';
import { aPaymentService } from '../../support/payment/payment-service.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { createGateway, retryTimes } from './server.js';
import { repeatInDoubt } from './requests.js';

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

const makeDue = sql(
  'test.make_items_due',
  `with refund as (update refunds set retry_at = now() where payment_id = any ($ids::uuid[]) and state = 'PENDING')
   update payments set void_retry_at = now() where id = any ($ids::uuid[]) and void_retry_at is not null`,
);

/** Counts the concurrent calls for one item, and delays each call so that other calls overlap with it. */
class CountingGateway {
  readonly gateway: PaymentGateway;
  readonly #running = new Map<string, number>();
  /** The largest number of calls for one item that ran at the same time. */
  most = 0;

  constructor(gateway: PaymentGateway) {
    this.gateway = Object.assign(new FaultInjectingGateway(gateway), {
      void: (request) => this.#count(`void ${request.key}`, () => gateway.void(request)),
      refund: (request) => this.#count(`refund ${request.key}`, () => gateway.refund(request)),
      lookupRefund: (request) => this.#count(`refund ${request.key}`, () => gateway.lookupRefund(request)),
    } satisfies Partial<PaymentGateway>);
  }

  async #count<T>(item: string, call: () => Promise<T>): Promise<T> {
    const running = (this.#running.get(item) ?? 0) + 1;
    this.#running.set(item, running);
    this.most = Math.max(this.most, running);
    await pause(20);
    return call().finally(() => this.#running.set(item, (this.#running.get(item) ?? 0) - 1));
  }
}

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

  const captured = async (): Promise<string> => {
    const paymentId = uuidv7();
    const amount = { currency: 'USD', minor: 1000n };
    await aPaymentService(deps()).authorize(
      { paymentId, orderId: uuidv7(), amount, method: 'pm_approve' },
      signal,
    );
    await aPaymentService(deps()).capture(paymentId, undefined, signal);
    return paymentId;
  };
  const refundOf = (paymentId: string) => ({ paymentId, requestId: 'r', amount: undefined });

  it('have at most one call each while replicas resolve them and callers repeat their requests', async () => {
    const voids = Array.from({ length: 8 }, () => uuidv7());
    await database.db.query(insertPendingVoids({ ids: voids }));
    const refunded = await Promise.all(Array.from({ length: 8 }, captured));
    gateway.isDown = true;
    for (const id of refunded)
      await expectReason(new RefundService(deps()).refund(refundOf(id), signal), 'PAYMENT_IN_DOUBT');
    gateway.isDown = false;
    const counting = new CountingGateway(gateway);
    const slow = { ...deps(), gateway: counting.gateway };
    const work = replicas.slice(1).map(() => {
      const [payments, refunds] = [aPaymentService(slow), new RefundService(slow)];
      return Promise.all([
        payments.confirmDueVoids(signal),
        refunds.finishDueRefunds(signal),
        ...voids.map((id) => repeatInDoubt(() => payments.void(id, signal))),
        ...refunded.map((id) => repeatInDoubt(() => refunds.refund(refundOf(id), signal))),
      ]);
    });
    await Promise.all(work);
    expect(counting.most).to.equal(1);
    expect(await countVoids()).to.deep.include({ pending: 0 });
    for (const id of refunded)
      expect(await aPaymentService(deps()).get(id)).to.include({ state: 'REFUNDED' });
  });

  it('have one call each while several callers repeat the request and the first call has no answer', async () => {
    const [voided, refunded] = [uuidv7(), await captured()];
    const counting = new CountingGateway(gateway);
    const slow = { ...deps(), gateway: counting.gateway };
    const call = (): Promise<unknown>[] => [
      aPaymentService(slow).void(voided, signal),
      new RefundService(slow).refund(refundOf(refunded), signal),
    ];
    const answers = await Promise.allSettled(replicas.flatMap(call));
    expect(counting.most).to.equal(1);
    for (const answer of answers)
      if (answer.status === 'rejected') expect(isAppError(answer.reason, 'PAYMENT_IN_DOUBT')).to.equal(true);
    expect(answers.filter(({ status }) => status === 'fulfilled')).to.have.lengthOf.at.least(2);
    expect(gateway.callsOf('void', voided)).to.equal(1);
    expect(gateway.callsOf('refund', refunded)).to.equal(1);
  });

  it('are answered as in doubt until the lease has ended or the delay after a failure has passed', async () => {
    const [voided, refunded] = [uuidv7(), await captured()];
    const [payments, refunds] = [aPaymentService(deps(3_600_000)), new RefundService(deps(3_600_000))];
    const request = async (): Promise<void> => {
      const { retryAfterMs } = await expectReason(payments.void(voided, signal), 'PAYMENT_IN_DOUBT');
      expect(retryAfterMs).to.be.greaterThan(0);
      await expectReason(refunds.refund(refundOf(refunded), signal), 'PAYMENT_IN_DOUBT');
    };
    const calls = () => [gateway.callsOf('void', voided), gateway.callsOf('refund', refunded)];
    gateway.isDown = true;
    await request();
    gateway.isDown = false;
    await request();
    expect(calls()).to.deep.equal([1, 1]);
    await database.db.query(makeDue({ ids: [voided, refunded] }));
    expect(await payments.void(voided, signal)).to.include({ state: 'VOIDED', voidPending: false });
    expect(await refunds.refund(refundOf(refunded), signal)).to.include({ state: 'REFUNDED' });
    expect(calls()).to.deep.equal([2, 2]);
  });

  it('are requested again at once if the delay after a failure has passed', async () => {
    const [voided, refunded] = [uuidv7(), await captured()];
    const [payments, refunds] = [aPaymentService(deps()), new RefundService(deps())];
    for (let failures = 0; failures < 3; failures += 1) {
      gateway.dropRequest('void');
      await expectReason(payments.void(voided, signal), 'PAYMENT_IN_DOUBT');
      gateway.dropRequest('refund');
      await expectReason(refunds.refund(refundOf(refunded), signal), 'PAYMENT_IN_DOUBT');
      expect(gateway.callsOf('void', voided)).to.equal(failures + 1);
      expect(gateway.callsOf('refund', refunded)).to.equal(failures + 1);
    }
    expect(await payments.void(voided, signal)).to.include({ voidPending: false });
    expect(await refunds.refund(refundOf(refunded), signal)).to.include({ state: 'REFUNDED' });
  });
});
