import { expect } from 'chai';
import type { RetryTimes } from '../../../pkg/payment/background.js';
import type { Payment, PaymentChange } from '../../../pkg/payment/domain.js';
import { touchIntent, voidIntent } from '../../../pkg/payment/intents/store.js';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import { RefundService } from '../../../pkg/payment/refunds/refund-service.js';
import type { PaymentService } from '../../../pkg/payment/service.js';
import { FaultInjectingGateway } from '../../../pkg/payment/testing/fault-injecting-gateway.js';
import { aPaymentService } from '../../support/payment/payment-service.js';
import { sql } from '../../../pkg/postgres/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { createGateway, retryTimes } from './server.js';

const signal = new AbortController().signal;
const amount = { currency: 'USD', minor: 1000n };

const readTime = sql('test.read_time', 'select now()');

/** Every intent is due at once, and abandoned at once. */
const dueAtOnce: RetryTimes = { ...retryTimes, leaseMs: 0 };

describe('an authorization without a recorded answer', () => {
  let database: TestDatabase;
  let gateway: FaultInjectingGateway;
  let changes: string[];

  before(async () => {
    database = await createTestDatabase(paymentMigrations);
  });
  beforeEach(() => {
    changes = [];
    gateway = new FaultInjectingGateway(createGateway(database.db));
  });
  after(() => database.drop());

  const service = (times = dueAtOnce): PaymentService =>
    aPaymentService({
      db: database.db,
      gateway,
      events: { changed: ({ change }: PaymentChange) => void changes.push(change) },
      times,
    });
  const request = (overrides: { orderId?: string; method?: string } = {}) => ({
    paymentId: uuidv7(),
    orderId: uuidv7(),
    amount,
    method: 'pm_approve',
    ...overrides,
  });
  const recordOf = (paymentId: string) => service().audit(paymentId, signal);

  it('is voided by a statement that has waited for a repeated request', async () => {
    const authorization = request({ method: 'pm_action_required' });
    const { paymentId } = authorization;
    await service().authorize(authorization, signal);
    await database.db.transaction(async (tx) => {
      await tx.query(readTime());
      await touchIntent(database.db, paymentId, 0);
      const end = { id: paymentId, idleMs: 0, leaseMs: 0, actor: undefined, reason: undefined };
      expect(await voidIntent(tx, end)).to.include({ state: 'VOIDED' });
    });
  });

  it('is PENDING before the gateway is asked, alone and in the list of its order', async () => {
    const authorization = request();
    const { paymentId, orderId } = authorization;
    const held = gateway.holdResponse('authorize');
    const call = service(retryTimes).authorize(authorization, signal);
    await held.effectApplied;
    expect(await service().get(paymentId)).to.include({ state: 'PENDING' });
    const { payments } = await service().list({ orderId, after: undefined, size: 10 });
    expect(payments.map(({ state }) => state)).to.deep.equal(['PENDING']);
    held.release();
    expect((await call).state).to.equal('AUTHORIZED');
  });

  const answers = {
    pm_approve: ['AUTHORIZED', 'AUTHORIZE'],
    pm_decline_card_expired: ['DECLINED', 'DECLINE'],
  } as const;
  for (const [method, [state, change]] of Object.entries(answers)) {
    it(`is ${state} here if the gateway gave that answer and no caller repeats the request`, async () => {
      const authorization = request({ method });
      gateway.dropResponse('authorize');
      await expectReason(service().authorize(authorization, signal), 'PAYMENT_IN_DOUBT');
      await service().resolveDueIntents(signal);
      expect(await service().get(authorization.paymentId)).to.include({ state });
      expect(changes).to.deep.equal([change]);
      expect(gateway.callsOf('authorize', authorization.paymentId)).to.equal(1);
      expect((await service().authorize(authorization, signal)).state).to.equal(state);
    });
  }

  it('is VOIDED by reference if the gateway does not know it and no caller repeats the request', async () => {
    const authorization = request();
    const { paymentId: key, orderId } = authorization;
    gateway.dropRequest('authorize');
    await expectReason(service().authorize(authorization, signal), 'PAYMENT_IN_DOUBT');
    await service().resolveDueIntents(signal);
    expect(await service().get(key)).to.include({ state: 'VOIDED', voidPending: false });
    const late = await gateway.authorize({ key, orderId, amount, method: 'pm_approve', signal });
    expect(late).to.deep.equal({ outcome: 'VOIDED' });
    for (let repeats = 0; repeats < 2; repeats += 1)
      await expectReason(service().authorize(authorization, signal), 'PAYMENT_VOIDED');
    expect((await service().authorize(request({ orderId }), signal)).state).to.equal('AUTHORIZED');
  });

  it('leaves no amount blocked if a late call reaches the gateway before the void of an abandoned intent', async () => {
    const authorization = request();
    const { paymentId: key, orderId } = authorization;
    gateway.dropRequest('authorize');
    await expectReason(service().authorize(authorization, signal), 'PAYMENT_IN_DOUBT');
    gateway.dropRequest('void');
    await service()
      .resolveDueIntents(signal)
      .catch(() => undefined);
    expect(await service().get(key)).to.include({ state: 'VOIDED', voidPending: true });
    const late = await gateway.authorize({ key, orderId, amount, method: 'pm_approve', signal });
    expect(late.outcome).to.equal('APPROVED');
    await service().confirmDueVoids(signal);
    expect(await recordOf(key)).to.include({ authorizationCount: 1, voided: true });
    expect(await service().get(key)).to.deep.include({ state: 'VOIDED', released: amount });
  });

  it('is not voided while a caller repeats its request', async () => {
    const authorization = request({ method: 'pm_fail_3_then_approve' });
    const patient = { ...dueAtOnce, abandonMs: 60_000 };
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expectReason(service(patient).authorize(authorization, signal), 'PAYMENT_IN_DOUBT');
      await service(patient).resolveDueIntents(signal);
      expect(await service().get(authorization.paymentId)).to.include({ state: 'PENDING' });
    }
    expect((await service(patient).authorize(authorization, signal)).state).to.equal('AUTHORIZED');
  });

  it('stays PENDING while the gateway cannot be asked', async () => {
    const authorization = request();
    gateway.isDown = true;
    await expectReason(service().authorize(authorization, signal), 'PAYMENT_IN_DOUBT');
    const failure = await service()
      .resolveDueIntents(signal)
      .catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(AggregateError);
    expect(await service().get(authorization.paymentId)).to.include({ state: 'PENDING' });
    gateway.isDown = false;
    expect((await service().authorize(authorization, signal)).state).to.equal('AUTHORIZED');
  });

  it('is VOIDED by a void, and the void releases the approved amount', async () => {
    const authorization = request();
    const { paymentId } = authorization;
    const held = gateway.holdResponse('authorize');
    const call = service(retryTimes).authorize(authorization, signal);
    await held.effectApplied;
    const note = { actor: 'ada', reason: 'customer called' };
    expect((await service(retryTimes).void(paymentId, signal, note)).state).to.equal('VOIDED');
    held.release();
    await expectReason(call, 'PAYMENT_VOIDED');
    expect(await service().get(paymentId)).to.deep.include({ state: 'VOIDED', released: amount });
    expect(await recordOf(paymentId)).to.include({ authorizationCount: 1, voided: true });
    expect(changes).to.deep.equal(['VOID']);
  });

  it('is charged once if the gateway has forgotten the key before the caller repeats the request', async () => {
    gateway = new FaultInjectingGateway(createGateway(database.db, { keyLifetimeMs: 0 }));
    const authorization = request();
    const { paymentId: key, orderId } = authorization;
    gateway.dropResponse('authorize');
    await expectReason(service().authorize(authorization, signal), 'PAYMENT_IN_DOUBT');
    expect((await service().authorize(authorization, signal)).state).to.equal('AUTHORIZED');
    expect(await recordOf(key)).to.include({ authorizationCount: 1 });
    // The same key sent again would be a second charge.
    await gateway.authorize({ key, orderId, amount, method: 'pm_approve', signal });
    expect(await recordOf(key)).to.include({ authorizationCount: 2 });
  });

  it('is refunded once if the gateway has forgotten the key of the refund before the caller repeats the request', async () => {
    gateway = new FaultInjectingGateway(createGateway(database.db, { keyLifetimeMs: 0 }));
    const authorization = request();
    const { paymentId: key } = authorization;
    await service().authorize(authorization, signal);
    await service().capture(key, undefined, signal);
    const { db } = database;
    const events = { changed: () => undefined };
    const refunds = new RefundService({ db, gateway, events, times: retryTimes });
    const refund = { paymentId: key, requestId: 'r', amount: { currency: 'USD', minor: 400n } };
    gateway.dropResponse('refund');
    await expectReason(refunds.refund(refund, signal), 'PAYMENT_IN_DOUBT');
    expect((await refunds.refund(refund, signal)).charge).to.include({ refunded: 400n });
    expect(await recordOf(key)).to.include({ refunded: 400n });
    // The same key sent again would be a second refund.
    await gateway.refund({ key, refundKey: 'r', amount: 400n, signal });
    expect(await recordOf(key)).to.include({ refunded: 800n });
  });

  it('has one answer and one change if the caller and the background work ask at the same time', async () => {
    const authorization = request();
    const held = gateway.holdResponse('authorize');
    const call = service().authorize(authorization, signal);
    await held.effectApplied;
    await service().resolveDueIntents(signal);
    held.release();
    const payment: Payment = await call;
    expect(payment.state).to.equal('AUTHORIZED');
    expect(changes).to.deep.equal(['AUTHORIZE']);
  });
});
