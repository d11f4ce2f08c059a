import { expect } from 'chai';
import { DeclineAdvice, DeclineCode, PaymentState, PaymentView } from '../../pkg/pb/payment/v1/payment.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import {
  anAuthorization,
  audited,
  authorized,
  captured,
  cents,
  expectBooksAgree,
  paid,
  usd,
} from './payment-requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './payment-server.js';

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
    const made = paid(await client.authorizePayment(request));
    expect(made).to.include({ paymentId, orderId: request.orderId, state: PaymentState.AUTHORIZED });
    expect(made.amount).to.deep.equal(usd(1000));
    expect(made.authorizedAmount).to.deep.equal(usd(1000));
    expect(made.capturedAmount).to.deep.equal(usd(0));
    expect(made.createTime).to.be.instanceOf(Date);
    expect(made.audit).to.equal(undefined);

    const taken = paid(await client.capturePayment({ paymentId, amount: undefined }));
    expect(taken.state).to.equal(PaymentState.CAPTURED);
    expect(taken.capturedAmount).to.deep.equal(usd(1000));

    const part = paid(await client.refundPayment({ requestId: 'r1', paymentId, amount: usd(300) }));
    expect(part.state).to.equal(PaymentState.PARTIALLY_REFUNDED);
    expect(part.refundedAmount).to.deep.equal(usd(300));

    const rest = paid(await client.refundPayment({ requestId: 'r2', paymentId, amount: undefined }));
    expect(rest.state).to.equal(PaymentState.REFUNDED);
    expect(rest.refundedAmount).to.deep.equal(usd(1000));
    expectBooksAgree(await audited(client, paymentId));
  });

  it('is in a currency without decimals as well', async () => {
    const amount = { currencyCode: 'JPY', units: 980n, nanos: 0 };
    const payment = await authorized(client, { amount });
    expect(payment.authorizedAmount).to.deep.equal(amount);
  });

  it('takes the largest amount there is', async () => {
    const payment = await captured(client, { amount: usd(9_007_199_254_740_991n) });
    expect(payment.capturedAmount).to.deep.equal(usd(9_007_199_254_740_991n));
    expectBooksAgree(await audited(client, payment.paymentId));
  });

  it('can be captured in part, which gives up the rest', async () => {
    const { paymentId } = await authorized(client);
    const taken = paid(await client.capturePayment({ paymentId, amount: usd(400) }));
    expect(taken.capturedAmount).to.deep.equal(usd(400));
    expect(taken.authorizedAmount).to.deep.equal(usd(1000));
    const refunded = paid(await client.refundPayment({ requestId: 'all', paymentId, amount: undefined }));
    expect(refunded).to.include({ state: PaymentState.REFUNDED });
    expect(cents(refunded.refundedAmount)).to.equal(400);
    expectBooksAgree(await audited(client, paymentId));
  });

  it('is captured once, however often it is asked for', async () => {
    const { paymentId } = await authorized(client);
    const first = await client.capturePayment({ paymentId, amount: usd(400) });
    expect(await client.capturePayment({ paymentId, amount: usd(400) })).to.deep.equal(first);
    expect(await client.capturePayment({ paymentId, amount: undefined })).to.deep.equal(first);
    await expectReason(client.capturePayment({ paymentId, amount: usd(500) }), 'REQUEST_ID_REUSED');
    const { audit } = await audited(client, paymentId);
    expect(audit).to.include({ authorizationCount: 1, captureCount: 1 });
  });

  it('cannot be captured for more than is authorized or in another currency', async () => {
    const { paymentId } = await authorized(client);
    const tooMuch = await expectReason(
      client.capturePayment({ paymentId, amount: usd(1001) }),
      'VALIDATION_FAILED',
    );
    expect(tooMuch.fields.map(({ field }) => field)).to.deep.equal(['amount']);
    const yen = { currencyCode: 'JPY', units: 1n, nanos: 0 };
    const mixed = await expectReason(client.capturePayment({ paymentId, amount: yen }), 'CURRENCY_MISMATCH');
    expect(mixed.fields.map(({ field }) => field)).to.deep.equal(['amount.currency_code']);
    expect(await audited(client, paymentId)).to.include({ state: PaymentState.AUTHORIZED });
  });

  it('that was voided stays voided and is neither captured nor refunded', async () => {
    const { paymentId } = await authorized(client);
    const voided = await client.voidPayment({ paymentId });
    expect(paid(voided)).to.include({ state: PaymentState.VOIDED });
    expect(cents(paid(voided).authorizedAmount)).to.equal(1000);
    expect(await client.voidPayment({ paymentId })).to.deep.equal(voided);
    const refused = await expectReason(
      client.capturePayment({ paymentId, amount: undefined }),
      'ILLEGAL_TRANSITION',
    );
    expect(refused.preconditions).to.deep.equal([
      { type: 'PAYMENT_STATE', subject: paymentId, description: 'is VOIDED' },
    ]);
    await expectReason(
      client.refundPayment({ requestId: '', paymentId, amount: undefined }),
      'ILLEGAL_TRANSITION',
    );
    expectBooksAgree(await audited(client, paymentId));
  });

  it('that was captured cannot be voided, also once it is refunded', async () => {
    const { paymentId } = await captured(client);
    await expectReason(client.voidPayment({ paymentId }), 'ILLEGAL_TRANSITION');
    await client.refundPayment({ requestId: '', paymentId, amount: undefined });
    await expectReason(client.voidPayment({ paymentId }), 'ILLEGAL_TRANSITION');
    const again = paid(await client.capturePayment({ paymentId, amount: undefined }));
    expect(again.state).to.equal(PaymentState.REFUNDED);
  });

  const declines = {
    pm_decline_insufficient_funds: ['INSUFFICIENT_FUNDS', 'RETRY_LATER'],
    pm_decline_card_expired: ['CARD_EXPIRED', 'DO_NOT_RETRY'],
    pm_decline_suspected_fraud: ['SUSPECTED_FRAUD', 'DO_NOT_RETRY'],
    pm_decline_do_not_honor: ['DO_NOT_HONOR', 'DO_NOT_RETRY'],
    pm_decline_issuer_unavailable: ['ISSUER_UNAVAILABLE', 'RETRY_LATER'],
    pm_never_heard_of: ['INVALID_PAYMENT_METHOD', 'DO_NOT_RETRY'],
  } as const;
  for (const [paymentMethod, [code, advice]] of Object.entries(declines)) {
    it(`is declined with ${code} and the advice ${advice}`, async () => {
      const request = anAuthorization({ paymentMethod });
      const answer = await client.authorizePayment(request);
      const payment = paid(answer);
      expect(payment.state).to.equal(PaymentState.DECLINED);
      expect(payment.decline).to.deep.equal({ code: DeclineCode[code], advice: DeclineAdvice[advice] });
      expect(payment.authorizedAmount).to.deep.equal(usd(0));
      expect(await client.authorizePayment(request)).to.deep.equal(answer);
      expectBooksAgree(await audited(client, request.paymentId));
    });
  }

  it('that was declined cannot be captured or refunded, and has nothing to void', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_decline_card_expired' });
    const { paymentId } = paid(await client.authorizePayment(request));
    await expectReason(client.capturePayment({ paymentId, amount: undefined }), 'ILLEGAL_TRANSITION');
    await expectReason(
      client.refundPayment({ requestId: '', paymentId, amount: undefined }),
      'ILLEGAL_TRANSITION',
    );
    expect(paid(await client.voidPayment({ paymentId })).state).to.equal(PaymentState.DECLINED);
  });

  it('that nobody made is NOT_FOUND to get, capture and refund', async () => {
    const paymentId = uuidv7();
    await expectReason(client.getPayment({ paymentId, view: PaymentView.BASIC }), 'PAYMENT_NOT_FOUND');
    await expectReason(client.capturePayment({ paymentId, amount: undefined }), 'PAYMENT_NOT_FOUND');
    await expectReason(
      client.refundPayment({ requestId: '', paymentId, amount: usd(1) }),
      'PAYMENT_NOT_FOUND',
    );
  });

  it('that was voided before it was authorized is a tombstone', async () => {
    const request = anAuthorization();
    const { paymentId } = request;
    const tombstone = paid(await client.voidPayment({ paymentId }));
    expect(tombstone).to.include({ orderId: '', state: PaymentState.VOIDED, amount: undefined });
    expect(paid(await client.voidPayment({ paymentId }))).to.include({ state: PaymentState.VOIDED });
    for (let late = 0; late < 2; late += 1)
      await expectReason(client.authorizePayment(request), 'PAYMENT_VOIDED');
    await expectReason(client.capturePayment({ paymentId, amount: undefined }), 'ILLEGAL_TRANSITION');
    const { audit } = await audited(client, paymentId);
    expect(audit).to.include({ authorizationCount: 0, voided: true });
  });
});
