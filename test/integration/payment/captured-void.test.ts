import { expect } from 'chai';
import { PaymentState } from '../../../pkg/pb/payment/v1/payment.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { aCapture, anAuthorization, audited, cents, expectInSync } from './requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './server.js';

const signal = new AbortController().signal;
const forgetCapture = sql(
  'test.forget_capture',
  `with removed as (insert into payment_ledger (payment_id, kind, amount_minor, request_key)
     values ($paymentId::uuid, 'VOID', 1000, $paymentId::uuid::text))
   update payments set state = 'VOIDED', captured_minor = 0, expired = $expired where id = $paymentId::uuid`,
);
const ledgerOf = sql(
  'test.ledger_of_captured_void',
  `select kind, amount_minor::int as amount, actor, reason from payment_ledger
   where payment_id = $paymentId order by id`,
);

describe('a payment that is VOIDED here and captured at the gateway', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;

  before(async () => {
    server = await startPaymentServer();
    ({ client } = server);
  });
  after(() => server.close());

  /** Captures 10.00 USD at the gateway for a payment that is VOIDED here, as after a restore. */
  const capturedVoid = async (expired = false): Promise<string> => {
    const paymentId = uuidv7();
    await client.authorizePayment(anAuthorization({ paymentId }));
    await server.gateway.capture({ key: paymentId, amount: 1000n, signal });
    await server.db.query(forgetCapture({ paymentId, expired }));
    return paymentId;
  };
  const note = { actor: 'grace', reason: 'the audit found a capture' };
  const voidAs = (paymentId: string) => client.voidPayment({ paymentId, ...note });

  for (const expired of [false, true])
    it(`becomes CAPTURED by the void of an operator, who can then refund it: expired ${expired}`, async () => {
      const paymentId = await capturedVoid(expired);

      const { metadata } = await expectReason(voidAs(paymentId), 'ILLEGAL_TRANSITION');

      expect(metadata).to.include({ payment_id: paymentId, state: 'CAPTURED' });
      expectInSync(await audited(client, paymentId));
      expect(await server.db.query(ledgerOf({ paymentId }))).to.deep.equal([
        { kind: 'AUTHORIZE', amount: 1000, actor: null, reason: null },
        { kind: 'VOID', amount: 1000, actor: null, reason: null },
        { kind: 'CAPTURE', amount: 1000, ...note },
      ]);
      await client.refundPayment({ requestId: 'r', paymentId, amount: undefined, ...note });
      const payment = await audited(client, paymentId);
      expect(payment.state).to.equal(PaymentState.REFUNDED);
      expectInSync(payment);
    });

  it('becomes REFUNDED if the gateway has refunded it', async () => {
    const paymentId = await capturedVoid();
    await server.gateway.refund({ key: paymentId, refundKey: 'lost', amount: 1000n, signal });
    await expectReason(voidAs(paymentId), 'ILLEGAL_TRANSITION');
    const payment = await audited(client, paymentId);
    expect(payment.state).to.equal(PaymentState.REFUNDED);
    expect(cents(payment.refundedAmount)).to.equal(1000);
    expectInSync(payment);
  });

  it('is not changed by the void of a service', async () => {
    const paymentId = await capturedVoid();
    const { payment } = await client.voidPayment({ paymentId });
    expect(payment?.state).to.equal(PaymentState.VOIDED);
  });

  it('stays VOIDED if the gateway has voided it, and gets no ledger entry', async () => {
    const paymentId = uuidv7();
    await client.authorizePayment(anAuthorization({ paymentId }));
    await client.voidPayment({ paymentId });
    const entries = await server.db.query(ledgerOf({ paymentId }));

    expect((await voidAs(paymentId)).payment?.state).to.equal(PaymentState.VOIDED);

    expect(await server.db.query(ledgerOf({ paymentId }))).to.deep.equal(entries);
    await expectReason(client.capturePayment(aCapture(paymentId)), 'ILLEGAL_TRANSITION');
  });
});
