import { expect } from 'chai';
import type { Payment } from '../../pkg/payment/domain.js';
import type { PaymentChange } from '../../pkg/payment/events.js';
import type { PaymentGateway } from '../../pkg/payment/gateway.js';
import { paymentMigrations } from '../../pkg/payment/migrations.js';
import { RefundService } from '../../pkg/payment/refund-service.js';
import { PaymentService } from '../../pkg/payment/service.js';
import { HeldGateway } from '../../pkg/payment/testing/held-gateway.js';
import { expectReason, failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import { createTestDatabase, type TestDatabase } from '../../pkg/postgres/testing/test-database.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import { gatewayOver } from './payment-server.js';

const signal = new AbortController().signal;
const amount = { currency: 'USD', minor: 1000n };

/** The calls in each order in which the gateway and the database can see them. */
describe('calls that cross each other', () => {
  let database: TestDatabase;
  let gateway: HeldGateway;
  let payments: PaymentService;
  let refunds: RefundService;
  let changes: string[];

  before(async () => {
    database = await createTestDatabase(paymentMigrations);
  });
  beforeEach(() => {
    changes = [];
    gateway = new HeldGateway(gatewayOver(database.db));
    const events = { changed: ({ change }: PaymentChange) => void changes.push(change) };
    const deps = { db: database.db, gateway, events, retryMs: 0 };
    payments = new PaymentService(deps);
    refunds = new RefundService(deps);
  });
  after(() => database.drop());

  const authorize = (paymentId: string, orderId = uuidv7()): Promise<Payment> =>
    payments.authorize({ paymentId, orderId, amount, method: 'pm_approve' }, signal);
  const books = (paymentId: string) => payments.audit(paymentId, signal);
  const stateOf = async (paymentId: string) => (await payments.get(paymentId)).state;

  it('leave nothing blocked when the void comes between the approval and its booking', async () => {
    const paymentId = uuidv7();
    const approval = gateway.hold('authorize');
    const late = authorize(paymentId);
    await approval.reached;
    expect((await payments.void(paymentId, signal)).state).to.equal('VOIDED');
    approval.release();
    await expectReason(late, 'PAYMENT_VOIDED');
    expect(await books(paymentId)).to.include({ authorizationCount: 1, voided: true });
    expect(await payments.get(paymentId)).to.deep.include({ state: 'VOIDED', released: amount });
    expect(changes).to.deep.equal(['VOID']);
  });

  it('leave nothing blocked when the void has its tombstone but has not reached the gateway', async () => {
    const paymentId = uuidv7();
    const approval = gateway.hold('authorize');
    const late = authorize(paymentId);
    await approval.reached;
    gateway.drop('void');
    await expectReason(payments.void(paymentId, signal), 'PAYMENT_IN_DOUBT');
    expect(await books(paymentId)).to.include({ authorizationCount: 1, voided: false });
    approval.release();
    await expectReason(late, 'PAYMENT_VOIDED');
    expect(await books(paymentId)).to.include({ voided: true });
  });

  it('repeat a void in doubt until the gateway has confirmed it, and not after', async () => {
    const paymentId = uuidv7();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      gateway.lose('void');
      await expectReason(payments.void(paymentId, signal), 'PAYMENT_IN_DOUBT');
    }
    expect((await payments.void(paymentId, signal)).state).to.equal('VOIDED');
    gateway.lose('void');
    expect(await payments.void(paymentId, signal)).to.include({ state: 'VOIDED', owesVoid: false });
    expect(changes).to.deep.equal(['VOID']);
  });

  it('repeat a void in doubt in the background when its caller does not', async () => {
    const paymentId = uuidv7();
    gateway.lose('void');
    await expectReason(payments.void(paymentId, signal), 'PAYMENT_IN_DOUBT');
    expect(await payments.get(paymentId)).to.include({ owesVoid: true });
    await payments.confirmDueVoids(signal);
    expect(await payments.get(paymentId)).to.include({ owesVoid: false });
    expect(await books(paymentId)).to.include({ voided: true });
  });

  it('leave an authorization alone while its void is in doubt', async () => {
    const paymentId = uuidv7();
    await authorize(paymentId);
    gateway.lose('void');
    await expectReason(payments.void(paymentId, signal), 'PAYMENT_IN_DOUBT');
    expect(await stateOf(paymentId)).to.equal('AUTHORIZED');
    await expectReason(payments.capture(paymentId, undefined, signal), 'ILLEGAL_TRANSITION');
    expect((await payments.void(paymentId, signal)).state).to.equal('VOIDED');
  });

  it('capture when the gateway saw the capture first, whoever books it', async () => {
    const paymentId = uuidv7();
    await authorize(paymentId);
    const taken = gateway.hold('capture');
    const capture = payments.capture(paymentId, undefined, signal);
    await taken.reached;
    await expectReason(payments.void(paymentId, signal), 'ILLEGAL_TRANSITION');
    expect(await stateOf(paymentId)).to.equal('CAPTURED');
    taken.release();
    expect((await capture).state).to.equal('CAPTURED');
    expect(changes).to.deep.equal(['AUTHORIZE', 'CAPTURE']);
  });

  it('void when the gateway saw the void first, whoever books it', async () => {
    const paymentId = uuidv7();
    await authorize(paymentId);
    const given = gateway.hold('void');
    const cancel = payments.void(paymentId, signal);
    await given.reached;
    await expectReason(payments.capture(paymentId, undefined, signal), 'ILLEGAL_TRANSITION');
    expect(await stateOf(paymentId)).to.equal('VOIDED');
    given.release();
    expect((await cancel).state).to.equal('VOIDED');
    expect(changes).to.deep.equal(['AUTHORIZE', 'VOID']);
  });

  it('refuse the payment that is approved second for an order, for good, and give it up', async () => {
    const [first, second, orderId] = [uuidv7(), uuidv7(), uuidv7()];
    const approval = gateway.hold('authorize');
    const late = authorize(second, orderId);
    await approval.reached;
    await authorize(first, orderId);
    approval.release();
    const refusal = await expectReason(late, 'ILLEGAL_TRANSITION');
    expect(refusal.preconditions.map(({ type }) => type)).to.deep.equal(['ORDER']);
    expect(await stateOf(second)).to.equal('VOIDED');
    expect(await books(second)).to.include({ authorizationCount: 1, voided: true });
    await payments.void(first, signal);
    await expectReason(authorize(second, orderId), 'ILLEGAL_TRANSITION');
    expect(changes).to.deep.equal(['AUTHORIZE', 'VOID', 'VOID']);
  });

  it('give up also an earlier approval whose answer was lost when the order is paid otherwise', async () => {
    const [first, second, orderId] = [uuidv7(), uuidv7(), uuidv7()];
    gateway.lose('authorize');
    await expectReason(authorize(second, orderId), 'PAYMENT_IN_DOUBT');
    await authorize(first, orderId);
    gateway.lose('void');
    await expectReason(authorize(second, orderId), 'PAYMENT_IN_DOUBT');
    await expectReason(authorize(second, orderId), 'ILLEGAL_TRANSITION');
    expect(await books(second)).to.include({ authorizationCount: 1, voided: true });
  });

  it('book a refund once when the background and its caller finish it together', async () => {
    const paymentId = uuidv7();
    await authorize(paymentId);
    await payments.capture(paymentId, undefined, signal);
    const request = { paymentId, requestId: 'r', amount: { currency: 'USD', minor: 400n } };
    const given = gateway.hold('refund');
    const refund = refunds.refund(request, signal);
    await given.reached;
    await refunds.finishDueRefunds(signal);
    given.release();
    const answer = await refund;
    expect(answer.charge).to.include({ refunded: 400n, refundPending: 0n });
    expect(await refunds.refund(request, signal)).to.deep.equal(answer);
    expect(changes).to.deep.equal(['AUTHORIZE', 'CAPTURE', 'REFUND']);
    expect(await books(paymentId)).to.include({ refunded: 400n });
  });

  it('tell of what the background could not finish', async () => {
    const paymentId = uuidv7();
    await authorize(paymentId);
    await payments.capture(paymentId, undefined, signal);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      gateway.lose('refund');
      const request = { paymentId, requestId: 'r', amount: undefined };
      const tried: Promise<unknown> =
        attempt === 0 ? refunds.refund(request, signal) : refunds.finishDueRefunds(signal);
      expect(await failureOf(tried)).to.be.instanceOf(Error);
    }
    await refunds.finishDueRefunds(signal);
    expect(await stateOf(paymentId)).to.equal('REFUNDED');
  });

  it('fail loudly when the gateway breaks its word and both voids and captures', async () => {
    const paymentId = uuidv7();
    await authorize(paymentId);
    const taken = gateway.hold('capture');
    const capture = payments.capture(paymentId, undefined, signal);
    await taken.reached;
    const released = { outcome: 'VOIDED', released: amount } as const;
    const liar: PaymentGateway = Object.assign(new HeldGateway(gateway), { void: async () => released });
    const events = { changed: () => undefined };
    const deceived = new PaymentService({ db: database.db, gateway: liar, events, retryMs: 0 });
    expect((await deceived.void(paymentId, signal)).state).to.equal('VOIDED');
    taken.release();
    expect((await failureOf(capture)).message).to.contain('the gateway says otherwise');
  });

  it('say that the gateway cannot be reached when its books are wanted', async () => {
    const paymentId = uuidv7();
    await authorize(paymentId);
    gateway.drop('lookup');
    await expectReason(books(paymentId), 'DEPENDENCY_UNAVAILABLE');
  });
});
