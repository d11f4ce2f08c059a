import { expect } from 'chai';
import { claimDueIntents } from '../../../pkg/payment/intents/store.js';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import { claimDueVoids } from '../../../pkg/payment/payment-store.js';
import { RefundService } from '../../../pkg/payment/refunds/refund-service.js';
import { claimDueRefunds } from '../../../pkg/payment/refunds/refund-store.js';
import { FaultInjectingGateway } from '../../../pkg/payment/testing/fault-injecting-gateway.js';
import { sql, type Queryable } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { aPaymentService } from '../../support/payment/payment-service.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { createGateway, retryTimes } from './server.js';

const signal = new AbortController().signal;
/** Longer than any delay after a failed attempt. */
const leaseMs = 60_000;

const endLeases = sql(
  'test.end_leases',
  `with refund as (update refunds set retry_at = now() where state = 'PENDING')
   update payments set void_retry_at = case when void_retry_at is not null then now() end,
     intent_retry_at = case when intent_retry_at is not null then now() end`,
);
const countLeases = sql(
  'test.count_leases',
  `select count(*)::int as leases from (
     select void_retry_at as due_at from payments union all
     select intent_retry_at from payments union all
     select retry_at from refunds
   ) item where due_at > now() + interval '30 seconds'`,
);

interface Case {
  readonly item: string;
  readonly method: 'void' | 'refund' | 'lookup';
  /** Prepares a payment. */
  prepare(paymentId: string): Promise<unknown>;
  /** Attempts the pending call. */
  attempt(paymentId: string): Promise<unknown>;
  claim(db: Queryable, leaseMs: number, limit: number): Promise<readonly unknown[]>;
}

describe('the lease of a pending gateway call', () => {
  let database: TestDatabase;
  let gateway: FaultInjectingGateway;

  beforeEach(async () => {
    database = await createTestDatabase(paymentMigrations);
    gateway = new FaultInjectingGateway(createGateway(database.db));
  });
  afterEach(() => database.drop());

  const deps = () => ({
    db: database.db,
    gateway,
    events: { changed: () => undefined },
    times: retryTimes,
  });
  const authorize = (paymentId: string): Promise<unknown> => {
    const amount = { currency: 'USD', minor: 1000n };
    const authorization = { paymentId, orderId: uuidv7(), amount, method: 'pm_approve' };
    return aPaymentService(deps()).authorize(authorization, signal);
  };
  const capture = async (paymentId: string): Promise<void> => {
    await authorize(paymentId);
    await aPaymentService(deps()).capture(paymentId, undefined, signal);
  };
  const leaveIntent = async (paymentId: string): Promise<void> => {
    gateway.dropRequest('authorize');
    await expectReason(authorize(paymentId), 'PAYMENT_IN_DOUBT');
    await database.db.query(endLeases());
  };
  const refund = (paymentId: string): Promise<unknown> =>
    new RefundService(deps()).refund({ paymentId, requestId: 'r', amount: undefined }, signal);

  const cases: readonly Case[] = [
    {
      item: 'void',
      method: 'void',
      prepare: async () => undefined,
      attempt: (paymentId) => aPaymentService(deps()).void(paymentId, signal),
      claim: claimDueVoids,
    },
    { item: 'refund', method: 'refund', prepare: capture, attempt: refund, claim: claimDueRefunds },
    {
      item: 'authorization',
      method: 'lookup',
      prepare: leaveIntent,
      attempt: () => aPaymentService(deps()).resolveDueIntents(signal),
      claim: claimDueIntents,
    },
  ];
  for (const { item, method, prepare, attempt, claim } of cases)
    it(`is kept when an attempt with an earlier lease fails: ${item}`, async () => {
      const paymentId = uuidv7();
      await prepare(paymentId);
      const held = gateway.holdResponse(method);
      const slow = attempt(paymentId).catch((error: unknown) => error);
      await held.effectApplied;
      await database.db.query(endLeases());
      expect(await claim(database.db, leaseMs, 1)).to.have.lengthOf(1);
      held.drop();
      expect(await slow).to.be.instanceOf(Error);
      expect(await database.db.query(countLeases())).to.deep.equal([{ leases: 1 }]);
    });
});
