import { expect } from 'chai';
import { AppError } from '../../../pkg/errors/index.js';
import { money } from '../../../pkg/money/index.js';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import { RefundService } from '../../../pkg/payment/refunds/refund-service.js';
import type { PaymentService } from '../../../pkg/payment/service.js';
import { aPaymentService } from '../../support/payment/payment-service.js';
import { expectReason } from '../../support/expect-reason.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { createGateway, retryTimes } from './server.js';
import { RecordingDatabase } from '../../support/recording-database.js';

const { signal } = new AbortController();
const amount = money('USD', 500n);

describe('a gateway answer that cannot be recorded', () => {
  let database: TestDatabase;
  let db: RecordingDatabase;
  let payments: PaymentService;
  let refunds: RefundService;

  before(async () => {
    database = await createTestDatabase(paymentMigrations);
    db = new RecordingDatabase(database.db);
    const events = { changed: () => undefined };
    const deps = { db, gateway: createGateway(database.db), events, times: retryTimes };
    payments = aPaymentService(deps);
    refunds = new RefundService(deps);
  });
  after(() => database.drop());

  const failOnce = (statement: string): void => {
    db.failBefore.set(statement, [new AppError({ reason: 'OVERLOADED', message: 'too many calls wait' })]);
  };
  const authorize = (paymentId: string) =>
    payments.authorize({ paymentId, orderId: paymentId, amount, method: 'pm_approve' }, signal);

  it('is reported as PAYMENT_IN_DOUBT, and recorded when the call is repeated', async () => {
    const id = uuidv7();
    const refund = { paymentId: id, requestId: 'r', amount: undefined };

    failOnce('intent.record_answer');
    await expectReason(authorize(id), 'PAYMENT_IN_DOUBT');
    expect((await authorize(id)).state).to.equal('AUTHORIZED');
    failOnce('payment.capture');
    await expectReason(payments.capture(id, amount, signal), 'PAYMENT_IN_DOUBT');
    expect((await payments.capture(id, amount, signal)).state).to.equal('CAPTURED');
    failOnce('refund.settle');
    await expectReason(refunds.refund(refund, signal), 'PAYMENT_IN_DOUBT');
    expect((await refunds.refund(refund, signal)).state).to.equal('REFUNDED');

    const record = await payments.audit(id, signal);
    expect(record).to.include({ authorizationCount: 1, captureCount: 1 });
  });

  it('is reported as PAYMENT_IN_DOUBT for a void, and recorded when the void is repeated', async () => {
    const id = uuidv7();
    await authorize(id);

    failOnce('payment.void_authorized');
    await expectReason(payments.void(id, signal), 'PAYMENT_IN_DOUBT');

    expect((await payments.void(id, signal)).state).to.equal('VOIDED');
  });
});
