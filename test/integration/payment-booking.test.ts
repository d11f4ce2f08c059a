import { expect } from 'chai';
import { AppError } from '../../pkg/errors/index.js';
import { money } from '../../pkg/money/index.js';
import { paymentMigrations } from '../../pkg/payment/migrations.js';
import { RefundService } from '../../pkg/payment/refund-service.js';
import { PaymentService } from '../../pkg/payment/service.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { createTestDatabase, type TestDatabase } from '../../pkg/postgres/testing/test-database.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import { gatewayOver } from './payment-server.js';
import { RecordingDatabase } from './recording-database.js';

const { signal } = new AbortController();
const amount = money('USD', 500n);

describe('a payment that the gateway acted on but that cannot be booked', () => {
  let database: TestDatabase;
  let db: RecordingDatabase;
  let payments: PaymentService;
  let refunds: RefundService;

  before(async () => {
    database = await createTestDatabase(paymentMigrations);
    db = new RecordingDatabase(database.db);
    const events = { changed: () => undefined };
    const deps = { db, gateway: gatewayOver(database.db), events, retryMs: 600_000 };
    payments = new PaymentService(deps);
    refunds = new RefundService(deps);
  });
  after(() => database.drop());

  const refuseOnce = (statement: string): void => {
    db.refuse.set(statement, [new AppError({ reason: 'OVERLOADED', message: 'too many calls wait' })]);
  };
  const authorize = (paymentId: string) =>
    payments.authorize({ paymentId, orderId: paymentId, amount, method: 'pm_approve' }, signal);

  it('is in doubt, never refused, and resolved by repeating each step', async () => {
    const id = uuidv7();
    const refund = { paymentId: id, requestId: 'r', amount: undefined };

    refuseOnce('payment.insert_answered');
    await expectReason(authorize(id), 'PAYMENT_IN_DOUBT');
    expect((await authorize(id)).state).to.equal('AUTHORIZED');
    refuseOnce('payment.capture');
    await expectReason(payments.capture(id, amount, signal), 'PAYMENT_IN_DOUBT');
    expect((await payments.capture(id, amount, signal)).state).to.equal('CAPTURED');
    refuseOnce('refund.settle');
    await expectReason(refunds.refund(refund, signal), 'PAYMENT_IN_DOUBT');
    expect((await refunds.refund(refund, signal)).state).to.equal('REFUNDED');

    const books = await payments.audit(id, signal);
    expect(books).to.include({ authorizationCount: 1, captureCount: 1 });
  });

  it('is in doubt when it is voided, too', async () => {
    const id = uuidv7();
    await authorize(id);

    refuseOnce('payment.void_authorized');
    await expectReason(payments.void(id, signal), 'PAYMENT_IN_DOUBT');

    expect((await payments.void(id, signal)).state).to.equal('VOIDED');
  });
});
