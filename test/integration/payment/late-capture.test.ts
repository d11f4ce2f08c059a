import { expect } from 'chai';
import { PaymentState } from '../../../pkg/pb/payment/v1/payment.js';
import { sql } from '../../../pkg/postgres/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { aCapture, audited, authorized, expectInSync, paymentOf, usd } from './requests.js';
import { startPaymentServer, type PaymentTestServer } from './server.js';

const changeMethod = sql(
  'test.change_gateway_method',
  `update gateway_charges set method = 'pm_approve' where charge_key = $key`,
);
/** The statement of the earlier version, which does not know declined captures. */
const captureAsBefore = sql(
  'test.capture_as_before',
  `update payments set state = 'CAPTURED', captured_minor = 1000, updated_at = now()
   where id = $id and state = 'AUTHORIZED'`,
);

describe('a payment that the gateway captures after it declined a capture', () => {
  let server: PaymentTestServer;
  before(async () => {
    server = await startPaymentServer();
  });
  after(() => server.close());

  /** Returns the id of a payment whose capture was declined, and captured later for another caller. */
  const capturedLate = async (): Promise<string> => {
    const { paymentId } = await authorized(server.client, { paymentMethod: 'pm_capture_declined' });
    const declined = paymentOf(await server.client.capturePayment(aCapture(paymentId)));
    expect(declined.captureDecline).not.to.equal(undefined);
    await server.db.query(changeMethod({ key: paymentId }));
    const { signal } = new AbortController();
    const answer = await server.gateway.capture({ key: paymentId, amount: 1000n, signal });
    expect(answer.outcome).to.equal('CAPTURED');
    return paymentId;
  };

  it('is CAPTURED by the void that finds it captured, and a refund returns the money', async () => {
    const { client } = server;
    const paymentId = await capturedLate();

    await expectReason(client.voidPayment({ paymentId }), 'ILLEGAL_TRANSITION');

    const payment = await audited(client, paymentId);
    expect(payment).to.include({ state: PaymentState.CAPTURED, captureDecline: undefined });
    expectInSync(payment);
    const repeated = paymentOf(await client.capturePayment(aCapture(paymentId, usd(1000))));
    expect(repeated.state).to.equal(PaymentState.CAPTURED);
    await client.refundPayment({ requestId: 'r', paymentId, amount: undefined });
    expectInSync(await audited(client, paymentId));
  });

  it('is CAPTURED when a replica of the earlier version has recorded the capture', async () => {
    const { client } = server;
    const paymentId = await capturedLate();

    await server.db.query(captureAsBefore({ id: paymentId }));

    const payment = paymentOf(await client.capturePayment(aCapture(paymentId, usd(1000))));
    expect(payment).to.include({ state: PaymentState.CAPTURED, captureDecline: undefined });
    expectInSync(await audited(client, paymentId));
  });
});
