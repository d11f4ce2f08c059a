import { expect } from 'chai';
import type { PaymentChange } from '../../../pkg/payment/domain.js';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import type { PaymentService } from '../../../pkg/payment/service.js';
import { FaultInjectingGateway } from '../../../pkg/payment/testing/fault-injecting-gateway.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { aPaymentService } from '../../support/payment/payment-service.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { createGateway, retryTimes } from './server.js';

const signal = new AbortController().signal;
const amount = { currency: 'USD', minor: 1000n };

describe('a capture of an amount that the gateway no longer has authorized', () => {
  let database: TestDatabase;
  let gateway: FaultInjectingGateway;
  let payments: PaymentService;
  let changes: string[];

  before(async () => {
    database = await createTestDatabase(paymentMigrations);
  });
  beforeEach(() => {
    changes = [];
    gateway = new FaultInjectingGateway(createGateway(database.db));
    const events = { changed: ({ change }: PaymentChange) => void changes.push(change) };
    payments = aPaymentService({ db: database.db, gateway, events, times: retryTimes });
  });
  after(() => database.drop());

  const authorized = async (): Promise<string> => {
    const paymentId = uuidv7();
    await payments.authorize({ paymentId, orderId: uuidv7(), amount, method: 'pm_approve' }, signal);
    gateway.answerCaptures({ outcome: 'NOT_AUTHORIZED' });
    return paymentId;
  };
  const capture = (paymentId: string) => payments.capture(paymentId, amount, signal);

  it('makes the payment EXPIRED, also when it is repeated, and leaves no amount blocked', async () => {
    const paymentId = await authorized();
    for (let repeats = 0; repeats < 2; repeats += 1)
      expect(await capture(paymentId)).to.include({ state: 'EXPIRED' });
    expect(await payments.void(paymentId, signal)).to.include({ state: 'EXPIRED' });
    expect(gateway.callsOf('capture', paymentId)).to.equal(1);
    expect(await payments.audit(paymentId, signal)).to.include({ captured: 0n, voided: true });
    expect(changes).to.deep.equal(['AUTHORIZE', 'EXPIRE']);
  });

  it('is in doubt until the gateway has answered the void of what is left', async () => {
    const paymentId = await authorized();
    gateway.dropRequest('void');
    await expectReason(capture(paymentId), 'PAYMENT_IN_DOUBT');
    expect(await payments.get(paymentId)).to.include({ state: 'AUTHORIZED' });
    gateway.dropResponse('void');
    await expectReason(capture(paymentId), 'PAYMENT_IN_DOUBT');
    expect(await capture(paymentId)).to.include({ state: 'EXPIRED' });
  });

  it('makes the payment CAPTURED if the gateway has captured it nevertheless', async () => {
    const paymentId = await authorized();
    await createGateway(database.db).capture({ key: paymentId, amount: 1000n, signal });
    expect(await capture(paymentId)).to.include({ state: 'CAPTURED' });
    expect(changes).to.deep.equal(['AUTHORIZE', 'CAPTURE']);
  });

  it('is rejected if a void has ended the payment meanwhile', async () => {
    const paymentId = await authorized();
    const held = gateway.holdResponse('capture');
    const call = capture(paymentId);
    await held.effectApplied;
    expect(await payments.void(paymentId, signal)).to.include({ state: 'VOIDED' });
    held.release();
    await expectReason(call, 'ILLEGAL_TRANSITION');
    expect(changes).to.deep.equal(['AUTHORIZE', 'VOID']);
  });
});
