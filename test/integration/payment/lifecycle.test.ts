import { expect } from 'chai';
import { DeclineAdvice, DeclineCode, PaymentState, PaymentView } from '../../../pkg/pb/payment/v1/payment.js';
import { expectReason } from '../../support/expect-reason.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import {
  aCapture,
  anAuthorization,
  audited,
  authorized,
  captured,
  cents,
  expectInSync,
  paymentOf,
  usd,
} from './requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './server.js';

describe('a payment', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;

  before(async () => {
    server = await startPaymentServer();
    ({ client } = server);
  });
  after(() => server.close());

  it('is authorized, captured, and refunded in parts', async () => {
    const request = anAuthorization();
    const { paymentId } = request;
    const created = paymentOf(await client.authorizePayment(request));
    expect(created).to.include({ paymentId, orderId: request.orderId, state: PaymentState.AUTHORIZED });
    expect(created.amount).to.deep.equal(usd(1000));
    expect(created.authorizedAmount).to.deep.equal(usd(1000));
    expect(created.capturedAmount).to.deep.equal(usd(0));
    expect(created.createTime).to.be.instanceOf(Date);
    expect(created.audit).to.equal(undefined);

    const capture = paymentOf(await client.capturePayment(aCapture(paymentId)));
    expect(capture.state).to.equal(PaymentState.CAPTURED);
    expect(capture.capturedAmount).to.deep.equal(usd(1000));

    const partialRefund = paymentOf(
      await client.refundPayment({ requestId: 'r1', paymentId, amount: usd(300) }),
    );
    expect(partialRefund.state).to.equal(PaymentState.PARTIALLY_REFUNDED);
    expect(partialRefund.refundedAmount).to.deep.equal(usd(300));

    const finalRefund = paymentOf(
      await client.refundPayment({ requestId: 'r2', paymentId, amount: undefined }),
    );
    expect(finalRefund.state).to.equal(PaymentState.REFUNDED);
    expect(finalRefund.refundedAmount).to.deep.equal(usd(1000));
    expectInSync(await audited(client, paymentId));
  });

  it('may use a currency without decimals', async () => {
    const amount = { currencyCode: 'JPY', units: 980n, nanos: 0 };
    const payment = await authorized(client, { amount });
    expect(payment.authorizedAmount).to.deep.equal(amount);
  });

  it('may have the largest valid amount', async () => {
    const payment = await captured(client, { amount: usd(9_007_199_254_740_991n) });
    expect(payment.capturedAmount).to.deep.equal(usd(9_007_199_254_740_991n));
    expectInSync(await audited(client, payment.paymentId));
  });

  it('can be captured in part, and refunded up to the captured amount', async () => {
    const { paymentId } = await authorized(client);
    const capture = paymentOf(await client.capturePayment(aCapture(paymentId, usd(400))));
    expect(capture.capturedAmount).to.deep.equal(usd(400));
    expect(capture.authorizedAmount).to.deep.equal(usd(1000));
    const refunded = paymentOf(
      await client.refundPayment({ requestId: 'all', paymentId, amount: undefined }),
    );
    expect(refunded).to.include({ state: PaymentState.REFUNDED });
    expect(cents(refunded.refundedAmount)).to.equal(400);
    expectInSync(await audited(client, paymentId));
  });

  it('is captured once when the capture is repeated', async () => {
    const { paymentId } = await authorized(client);
    const first = await client.capturePayment(aCapture(paymentId, usd(400)));
    expect(await client.capturePayment(aCapture(paymentId, usd(400)))).to.deep.equal(first);
    expect(await client.capturePayment(aCapture(paymentId))).to.deep.equal(first);
    await expectReason(client.capturePayment(aCapture(paymentId, usd(500))), 'REQUEST_ID_REUSED');
    const { audit } = await audited(client, paymentId);
    expect(audit).to.include({ authorizationCount: 1, captureCount: 1 });
  });

  it('cannot be captured for more than the authorized amount or in another currency', async () => {
    const { paymentId } = await authorized(client);
    const tooMuch = await expectReason(
      client.capturePayment(aCapture(paymentId, usd(1001))),
      'VALIDATION_FAILED',
    );
    expect(tooMuch.fields.map(({ field }) => field)).to.deep.equal(['amount']);
    const yen = { currencyCode: 'JPY', units: 1n, nanos: 0 };
    const otherCurrency = await expectReason(
      client.capturePayment(aCapture(paymentId, yen)),
      'CURRENCY_MISMATCH',
    );
    expect(otherCurrency.fields.map(({ field }) => field)).to.deep.equal(['amount.currency_code']);
    expect(await audited(client, paymentId)).to.include({ state: PaymentState.AUTHORIZED });
  });

  it('cannot be captured or refunded after a void', async () => {
    const { paymentId } = await authorized(client);
    const voided = await client.voidPayment({ paymentId });
    expect(paymentOf(voided)).to.include({ state: PaymentState.VOIDED });
    expect(cents(paymentOf(voided).authorizedAmount)).to.equal(1000);
    expect(await client.voidPayment({ paymentId })).to.deep.equal(voided);
    const rejection = await expectReason(client.capturePayment(aCapture(paymentId)), 'ILLEGAL_TRANSITION');
    expect(rejection.preconditions).to.deep.equal([
      { type: 'PAYMENT_STATE', subject: paymentId, description: 'is VOIDED' },
    ]);
    await expectReason(
      client.refundPayment({ requestId: '', paymentId, amount: undefined }),
      'ILLEGAL_TRANSITION',
    );
    expectInSync(await audited(client, paymentId));
  });

  it('cannot be voided after a capture, nor after the refund of the capture', async () => {
    const { paymentId } = await captured(client);
    await expectReason(client.voidPayment({ paymentId }), 'ILLEGAL_TRANSITION');
    await client.refundPayment({ requestId: '', paymentId, amount: undefined });
    await expectReason(client.voidPayment({ paymentId }), 'ILLEGAL_TRANSITION');
    const repeated = paymentOf(await client.capturePayment(aCapture(paymentId)));
    expect(repeated.state).to.equal(PaymentState.REFUNDED);
  });

  const declines = {
    pm_decline_insufficient_funds: ['INSUFFICIENT_FUNDS', 'RETRY_LATER'],
    pm_decline_card_expired: ['CARD_EXPIRED', 'DO_NOT_RETRY'],
    pm_decline_suspected_fraud: ['SUSPECTED_FRAUD', 'DO_NOT_RETRY'],
    pm_decline_do_not_honor: ['DO_NOT_HONOR', 'DO_NOT_RETRY'],
    pm_decline_issuer_unavailable: ['ISSUER_UNAVAILABLE', 'RETRY_LATER'],
    pm_unknown: ['INVALID_PAYMENT_METHOD', 'DO_NOT_RETRY'],
  } as const;
  for (const [paymentMethod, [code, advice]] of Object.entries(declines)) {
    it(`is declined with ${code} and the advice ${advice}`, async () => {
      const request = anAuthorization({ paymentMethod });
      const response = await client.authorizePayment(request);
      const payment = paymentOf(response);
      expect(payment.state).to.equal(PaymentState.DECLINED);
      expect(payment.decline).to.deep.equal({ code: DeclineCode[code], advice: DeclineAdvice[advice] });
      expect(payment.authorizedAmount).to.deep.equal(usd(0));
      expect(await client.authorizePayment(request)).to.deep.equal(response);
      expectInSync(await audited(client, request.paymentId));
    });
  }

  it('cannot be captured or refunded after a decline, and stays DECLINED after a void', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_decline_card_expired' });
    const { paymentId } = paymentOf(await client.authorizePayment(request));
    await expectReason(client.capturePayment(aCapture(paymentId)), 'ILLEGAL_TRANSITION');
    await expectReason(
      client.refundPayment({ requestId: '', paymentId, amount: undefined }),
      'ILLEGAL_TRANSITION',
    );
    expect(paymentOf(await client.voidPayment({ paymentId })).state).to.equal(PaymentState.DECLINED);
  });

  it('with an unknown id causes PAYMENT_NOT_FOUND in GetPayment, CapturePayment and RefundPayment', async () => {
    const paymentId = uuidv7();
    await expectReason(client.getPayment({ paymentId, view: PaymentView.BASIC }), 'PAYMENT_NOT_FOUND');
    await expectReason(client.capturePayment(aCapture(paymentId)), 'PAYMENT_NOT_FOUND');
    await expectReason(
      client.refundPayment({ requestId: '', paymentId, amount: usd(1) }),
      'PAYMENT_NOT_FOUND',
    );
  });

  it('is a tombstone if the void comes before the authorization', async () => {
    const request = anAuthorization();
    const { paymentId } = request;
    const tombstone = paymentOf(await client.voidPayment({ paymentId }));
    expect(tombstone).to.include({ orderId: '', state: PaymentState.VOIDED, amount: undefined });
    expect(paymentOf(await client.voidPayment({ paymentId }))).to.include({ state: PaymentState.VOIDED });
    for (let attempt = 0; attempt < 2; attempt += 1)
      await expectReason(client.authorizePayment(request), 'PAYMENT_VOIDED');
    await expectReason(client.capturePayment(aCapture(paymentId)), 'ILLEGAL_TRANSITION');
    const { audit } = await audited(client, paymentId);
    expect(audit).to.include({ authorizationCount: 0, voided: true });
  });
});
