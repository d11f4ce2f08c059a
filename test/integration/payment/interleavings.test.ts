import { expect } from 'chai';
import type { Payment, PaymentChange } from '../../../pkg/payment/domain.js';
import type { PaymentGateway } from '../../../pkg/payment/gateway/gateway.js';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import { RefundService } from '../../../pkg/payment/refunds/refund-service.js';
import type { PaymentService } from '../../../pkg/payment/service.js';
import { FaultInjectingGateway } from '../../../pkg/payment/testing/fault-injecting-gateway.js';
import { sql } from '../../../pkg/postgres/index.js';
import { aPaymentService } from '../../support/payment/payment-service.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { createGateway, retryTimes } from './server.js';

const signal = new AbortController().signal;
const amount = { currency: 'USD', minor: 1000n };

/** Each test fixes the sequence in which concurrent calls reach the gateway and the database. */
describe('concurrent payment calls', () => {
  let database: TestDatabase;
  let gateway: FaultInjectingGateway;
  let payments: PaymentService;
  let refunds: RefundService;
  let changes: string[];

  before(async () => {
    database = await createTestDatabase(paymentMigrations);
  });
  beforeEach(() => {
    changes = [];
    gateway = new FaultInjectingGateway(createGateway(database.db));
    const events = { changed: ({ change }: PaymentChange) => void changes.push(change) };
    const deps = { db: database.db, gateway, events, times: retryTimes };
    payments = aPaymentService(deps);
    refunds = new RefundService(deps);
  });
  after(() => database.drop());

  const authorize = (paymentId: string, orderId = uuidv7()): Promise<Payment> =>
    payments.authorize({ paymentId, orderId, amount, method: 'pm_approve' }, signal);
  const recordOf = (paymentId: string) => payments.audit(paymentId, signal);
  const stateOf = async (paymentId: string) => (await payments.get(paymentId)).state;

  it('leave no amount blocked if the void comes between the approval and the recording of the approval', async () => {
    const paymentId = uuidv7();
    const approval = gateway.holdResponse('authorize');
    const authorization = authorize(paymentId);
    await approval.effectApplied;
    expect((await payments.void(paymentId, signal)).state).to.equal('VOIDED');
    approval.release();
    await expectReason(authorization, 'PAYMENT_VOIDED');
    expect(await recordOf(paymentId)).to.include({ authorizationCount: 1, voided: true });
    expect(await payments.get(paymentId)).to.deep.include({ state: 'VOIDED', released: amount });
    expect(changes).to.deep.equal(['VOID']);
  });

  it('leave no amount blocked if the tombstone of a void is stored but the void does not reach the gateway', async () => {
    const paymentId = uuidv7();
    const approval = gateway.holdResponse('authorize');
    const authorization = authorize(paymentId);
    await approval.effectApplied;
    gateway.dropRequest('void');
    await expectReason(payments.void(paymentId, signal), 'PAYMENT_IN_DOUBT');
    expect(await recordOf(paymentId)).to.include({ authorizationCount: 1, voided: false });
    approval.release();
    await expectReason(authorization, 'PAYMENT_VOIDED');
    expect(await recordOf(paymentId)).to.include({ voided: true });
  });

  it('repeat a void in doubt only until the gateway confirms the void', async () => {
    const paymentId = uuidv7();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      gateway.dropResponse('void');
      await expectReason(payments.void(paymentId, signal), 'PAYMENT_IN_DOUBT');
    }
    expect((await payments.void(paymentId, signal)).state).to.equal('VOIDED');
    gateway.dropResponse('void');
    expect(await payments.void(paymentId, signal)).to.include({ state: 'VOIDED', voidPending: false });
    expect(changes).to.deep.equal(['VOID']);
  });

  it('repeat a void in doubt in the background', async () => {
    const paymentId = uuidv7();
    gateway.dropResponse('void');
    await expectReason(payments.void(paymentId, signal), 'PAYMENT_IN_DOUBT');
    expect(await payments.get(paymentId)).to.include({ voidPending: true });
    await payments.confirmDueVoids(signal);
    expect(await payments.get(paymentId)).to.include({ voidPending: false });
    expect(await recordOf(paymentId)).to.include({ voided: true });
  });

  describe('after a capture that only the gateway has recorded', () => {
    let paymentId: string;

    beforeEach(async () => {
      paymentId = uuidv7();
      gateway.dropResponse('authorize');
      await expectReason(authorize(paymentId), 'PAYMENT_IN_DOUBT');
      expect(await createGateway(database.db).capture({ key: paymentId, amount: 1000n, signal })).to.include({
        outcome: 'CAPTURED',
      });
    });

    const expectCaptured = async (expected: readonly string[]): Promise<void> => {
      const payment = await payments.get(paymentId);
      expect(payment).to.include({ state: 'CAPTURED', voidPending: false, voidedIntent: false });
      expect(payment.charge).to.include({ authorized: 1000n, captured: 1000n });
      const entries = sql(
        'test.ledger_of',
        'select kind, amount_minor from payment_ledger where payment_id = $paymentId order by id',
      );
      expect(await database.db.query(entries({ paymentId }))).to.deep.equal(
        expected.map((kind) => ({ kind, amount_minor: kind === 'VOID' ? 0n : 1000n })),
      );
      expect(changes).to.deep.equal(expected);
    };

    it('a void records the capture and is rejected, so that the caller refunds', async () => {
      await expectReason(payments.void(paymentId, signal), 'ILLEGAL_TRANSITION');
      await expectReason(payments.void(paymentId, signal), 'ILLEGAL_TRANSITION');
      await expectCaptured(['VOID', 'AUTHORIZE', 'CAPTURE']);
      const refund = await refunds.refund({ paymentId, requestId: 'r', amount: undefined }, signal);
      expect(refund.state).to.equal('REFUNDED');
    });

    it('the background work of a pending void records the capture', async () => {
      gateway.dropRequest('void');
      await expectReason(payments.void(paymentId, signal), 'PAYMENT_IN_DOUBT');
      await payments.confirmDueVoids(signal);
      await expectCaptured(['VOID', 'AUTHORIZE', 'CAPTURE']);
    });

    it('the look-up of a PENDING payment records the capture', async () => {
      const due = sql('test.make_due', 'update payments set intent_retry_at = now() where id = $paymentId');
      await database.db.query(due({ paymentId }));
      await payments.resolveDueIntents(signal);
      await expectCaptured(['AUTHORIZE', 'CAPTURE']);
    });
  });

  it('keep an authorization unchanged while its void is in doubt', async () => {
    const paymentId = uuidv7();
    await authorize(paymentId);
    gateway.dropResponse('void');
    await expectReason(payments.void(paymentId, signal), 'PAYMENT_IN_DOUBT');
    expect(await stateOf(paymentId)).to.equal('AUTHORIZED');
    await expectReason(payments.capture(paymentId, undefined, signal), 'ILLEGAL_TRANSITION');
    expect((await payments.void(paymentId, signal)).state).to.equal('VOIDED');
  });

  it('leave the payment CAPTURED if the capture reaches the gateway first and the void records the capture', async () => {
    const paymentId = uuidv7();
    await authorize(paymentId);
    const held = gateway.holdResponse('capture');
    const capture = payments.capture(paymentId, undefined, signal);
    await held.effectApplied;
    await expectReason(payments.void(paymentId, signal), 'ILLEGAL_TRANSITION');
    expect(await stateOf(paymentId)).to.equal('CAPTURED');
    held.release();
    expect((await capture).state).to.equal('CAPTURED');
    expect(changes).to.deep.equal(['AUTHORIZE', 'CAPTURE']);
  });

  it('leave the payment VOIDED if the void reaches the gateway first and the capture records the void', async () => {
    const paymentId = uuidv7();
    await authorize(paymentId);
    const held = gateway.holdResponse('void');
    const cancel = payments.void(paymentId, signal);
    await held.effectApplied;
    await expectReason(payments.capture(paymentId, undefined, signal), 'ILLEGAL_TRANSITION');
    expect(await stateOf(paymentId)).to.equal('VOIDED');
    held.release();
    expect((await cancel).state).to.equal('VOIDED');
    expect(changes).to.deep.equal(['AUTHORIZE', 'VOID']);
  });

  it('reject the second payment of an order permanently only when the first payment is authorized', async () => {
    const [first, second, orderId] = [uuidv7(), uuidv7(), uuidv7()];
    const approval = gateway.holdResponse('authorize');
    const authorization = authorize(first, orderId);
    await approval.effectApplied;
    await expectReason(authorize(second, orderId), 'PAYMENT_IN_DOUBT');
    expect(gateway.callsOf('authorize', second)).to.equal(0);
    approval.release();
    expect((await authorization).state).to.equal('AUTHORIZED');
    const rejection = await expectReason(authorize(second, orderId), 'ILLEGAL_TRANSITION');
    expect(rejection.preconditions.map(({ type }) => type)).to.deep.equal(['ORDER']);
    await payments.void(first, signal);
    await expectReason(authorize(second, orderId), 'ILLEGAL_TRANSITION');
    expect(changes).to.deep.equal(['AUTHORIZE', 'VOID', 'VOID']);
  });

  it('keep the void of the second payment of an order pending until the gateway confirms the void', async () => {
    const [first, second, orderId] = [uuidv7(), uuidv7(), uuidv7()];
    await authorize(first, orderId);
    gateway.dropResponse('void');
    await expectReason(authorize(second, orderId), 'PAYMENT_IN_DOUBT');
    await expectReason(authorize(second, orderId), 'ILLEGAL_TRANSITION');
    expect(await recordOf(second)).to.include({ authorizationCount: 0, voided: true });
  });

  it('record a refund once if the caller and the background work finish the refund concurrently', async () => {
    const paymentId = uuidv7();
    await authorize(paymentId);
    await payments.capture(paymentId, undefined, signal);
    const request = { paymentId, requestId: 'r', amount: { currency: 'USD', minor: 400n } };
    const held = gateway.holdResponse('refund');
    const refund = refunds.refund(request, signal);
    await held.effectApplied;
    await refunds.finishDueRefunds(signal);
    held.release();
    const refunded = await refund;
    expect(refunded.charge).to.include({ refunded: 400n, refundPending: 0n });
    expect(await refunds.refund(request, signal)).to.deep.equal(refunded);
    expect(changes).to.deep.equal(['AUTHORIZE', 'CAPTURE', 'REFUND']);
    expect(await recordOf(paymentId)).to.include({ refunded: 400n });
  });

  it('report a refund that fails again in the background, and finish the refund later', async () => {
    const paymentId = uuidv7();
    await authorize(paymentId);
    await payments.capture(paymentId, undefined, signal);
    gateway.dropRequest('refund');
    const request = { paymentId, requestId: 'r', amount: undefined };
    await expectReason(refunds.refund(request, signal), 'PAYMENT_IN_DOUBT');
    gateway.dropResponse('refund');
    expect(await failureOf(refunds.finishDueRefunds(signal))).to.be.instanceOf(AggregateError);
    await refunds.finishDueRefunds(signal);
    expect(await stateOf(paymentId)).to.equal('REFUNDED');
  });

  it('fail if the gateway both voids and captures a payment', async () => {
    const paymentId = uuidv7();
    await authorize(paymentId);
    const held = gateway.holdResponse('capture');
    const capture = payments.capture(paymentId, undefined, signal);
    await held.effectApplied;
    const released = { outcome: 'VOIDED', released: amount } as const;
    const faulty: PaymentGateway = Object.assign(new FaultInjectingGateway(gateway), {
      void: async () => released,
    });
    const events = { changed: () => undefined };
    const service = aPaymentService({ db: database.db, gateway: faulty, events, times: retryTimes });
    expect((await service.void(paymentId, signal)).state).to.equal('VOIDED');
    held.release();
    expect((await failureOf(capture)).message).to.contain('not in sync with the gateway');
  });

  it('fail if they request an audit while the gateway is unreachable', async () => {
    const paymentId = uuidv7();
    await authorize(paymentId);
    gateway.dropRequest('lookup');
    await expectReason(recordOf(paymentId), 'DEPENDENCY_UNAVAILABLE');
  });
});
