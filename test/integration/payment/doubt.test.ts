import { expect } from 'chai';
import { DeclineCode, PaymentState } from '../../../pkg/pb/payment/v1/payment.js';
import { expectReason } from '../../support/expect-reason.js';
import { waitFor } from '../../support/wait-for.js';
import {
  aCapture,
  anAuthorization,
  audited,
  authorized,
  captured,
  cents,
  expectInSync,
  makeRefundDue,
  paymentOf,
  usd,
} from './requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './server.js';

const signal = new AbortController().signal;

describe('a payment in doubt', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;

  before(async () => {
    // The long interval disables the background work; one test starts replicas with a short interval.
    server = await startPaymentServer({ PAYMENT_SLOW_DELAY: '60s', REFUND_RESOLVE_INTERVAL: '10m' });
    ({ client } = server);
  });
  after(() => server.close());

  it('has one charge if the gateway answer was lost after the charge', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_answer_lost' });
    const { paymentId } = request;
    const error = await expectReason(client.authorizePayment(request), 'PAYMENT_IN_DOUBT');
    expect(error.metadata).to.deep.equal({ payment_id: paymentId });
    expect(error.retryAfterMs).to.be.greaterThan(0);
    await expectReason(client.capturePayment(aCapture(paymentId)), 'PAYMENT_IN_DOUBT');
    expect(paymentOf(await client.authorizePayment(request)).state).to.equal(PaymentState.AUTHORIZED);
    const payment = await audited(client, paymentId);
    expect(payment.audit).to.include({ authorizationCount: 1 });
    expectInSync(payment);
  });

  it('is approved when the call is repeated until the gateway is available', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_fail_3_then_approve' });
    for (let attempt = 1; attempt <= 3; attempt += 1)
      await expectReason(client.authorizePayment(request), 'PAYMENT_IN_DOUBT');
    expect(paymentOf(await client.authorizePayment(request)).state).to.equal(PaymentState.AUTHORIZED);
    expectInSync(await audited(client, request.paymentId));
  });

  it('is approved when the call is repeated after the deadline', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_slow' });
    await expectReason(client.authorizePayment(request, { timeoutMs: 300 }), 'DEADLINE_EXCEEDED');
    const repeated = await client.authorizePayment(request, { timeoutMs: 20_000 });
    expect(paymentOf(repeated).state).to.equal(PaymentState.AUTHORIZED);
    expectInSync(await audited(client, request.paymentId));
  });

  it('is approved when the call is repeated after a cancellation by the client', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_slow' });
    const caller = new AbortController();
    const call = client.authorizePayment(request, { signal: caller.signal });
    await waitFor(async () => (await recordOf(request.paymentId)).authorizationCount === 1, 'charge');
    caller.abort();
    await expectReason(call, 'CANCELLED');
    expect(paymentOf(await client.authorizePayment(request)).state).to.equal(PaymentState.AUTHORIZED);
    expectInSync(await audited(client, request.paymentId));
  });

  it('has one charge if the service stopped between the charge and the recording of the charge', async () => {
    const request = anAuthorization();
    const { paymentId: key, orderId } = request;
    const amount = { currency: 'USD', minor: 1000n };
    await server.gateway.authorize({ key, orderId, amount, method: 'pm_approve', signal });
    expect(paymentOf(await client.authorizePayment(request)).state).to.equal(PaymentState.AUTHORIZED);
    const payment = await audited(client, key);
    expect(payment.audit).to.include({ authorizationCount: 1 });
    expectInSync(payment);
  });

  it('can be voided, and the void releases the lost charge', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_answer_lost' });
    const { paymentId } = request;
    await expectReason(client.authorizePayment(request), 'PAYMENT_IN_DOUBT');
    const voided = await client.voidPayment({ paymentId });
    expect(paymentOf(voided)).to.include({ state: PaymentState.VOIDED });
    expect(paymentOf(voided).authorizedAmount).to.deep.equal(usd(1000));
    await expectReason(client.authorizePayment(request), 'PAYMENT_VOIDED');
    expect(await client.voidPayment({ paymentId })).to.deep.equal(voided);
    const payment = await audited(client, paymentId);
    expect(payment.audit).to.include({ authorizationCount: 1, voided: true });
    expectInSync(payment);
  });

  it('is captured once when the capture is repeated', async () => {
    const { paymentId } = await authorized(client, { paymentMethod: 'pm_capture_answer_lost' });
    const request = aCapture(paymentId, usd(700));
    await expectReason(client.capturePayment(request), 'PAYMENT_IN_DOUBT');
    expect(cents(paymentOf(await client.capturePayment(request)).capturedAmount)).to.equal(700);
    const payment = await audited(client, paymentId);
    expect(payment.audit).to.include({ captureCount: 1 });
    expectInSync(payment);
  });

  it('keeps the amount of the first capture', async () => {
    const { paymentId } = await authorized(client, { paymentMethod: 'pm_capture_answer_lost' });
    await expectReason(client.capturePayment(aCapture(paymentId, usd(700))), 'PAYMENT_IN_DOUBT');
    await expectReason(client.capturePayment(aCapture(paymentId, usd(800))), 'REQUEST_ID_REUSED');
    expect(cents((await audited(client, paymentId)).capturedAmount)).to.equal(700);
    expectInSync(await audited(client, paymentId));
  });

  it('cannot be voided while a capture is in doubt', async () => {
    const { paymentId } = await authorized(client, { paymentMethod: 'pm_capture_answer_lost' });
    await expectReason(client.capturePayment(aCapture(paymentId)), 'PAYMENT_IN_DOUBT');
    await expectReason(client.voidPayment({ paymentId }), 'ILLEGAL_TRANSITION');
    const refunded = await client.refundPayment({ requestId: 'r', paymentId, amount: undefined });
    expect(paymentOf(refunded).state).to.equal(PaymentState.REFUNDED);
    expectInSync(await audited(client, paymentId));
  });

  it('is refunded once when the refund is repeated, and reserves the refund amount in the meantime', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_answer_lost' });
    const request = { requestId: 'lost', paymentId, amount: usd(600) };
    await expectReason(client.refundPayment(request), 'PAYMENT_IN_DOUBT');
    const other = { requestId: 'other', paymentId, amount: usd(500) };
    await expectReason(client.refundPayment(other), 'PAYMENT_IN_DOUBT');
    expect((await audited(client, paymentId)).refundPendingAmount).to.deep.equal(usd(600));
    await expectReason(client.refundPayment(request), 'PAYMENT_IN_DOUBT');
    await server.db.query(makeRefundDue({ paymentId }));
    expect(cents(paymentOf(await client.refundPayment(request)).refundedAmount)).to.equal(600);
    await expectReason(client.refundPayment(other), 'REFUND_EXCEEDS_CAPTURE');
    expectInSync(await audited(client, paymentId));
  });

  it('is refunded in the background if the caller does not repeat the refund', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_answer_lost' });
    // The replica that accepts the refund also needs the short interval, because this replica sets the retry time.
    const replicas = await Promise.all([1, 2, 3].map(() => server.addReplica(shortInterval)));
    const request = { requestId: 'background', paymentId, amount: usd(600) };
    await expectReason(replicas[0]!.refundPayment(request), 'PAYMENT_IN_DOUBT');
    await waitFor(async () => cents((await audited(client, paymentId)).refundedAmount) === 600, 'refund');
    expectInSync(await audited(client, paymentId));
    const refunded = paymentOf(await client.refundPayment(request));
    expect(refunded.state).to.equal(PaymentState.PARTIALLY_REFUNDED);
  });

  it('rejects a refund permanently if the gateway refuses the refund', async () => {
    const { paymentId } = await captured(client);
    // This refund bypasses the service.
    await server.gateway.refund({ key: paymentId, refundKey: 'manual', amount: 900n, signal });
    const request = { requestId: 'r', paymentId, amount: usd(200) };
    await expectReason(client.refundPayment(request), 'REFUND_DECLINED');
    await expectReason(client.refundPayment(request), 'REFUND_DECLINED');
    const smallerRefund = await client.refundPayment({ requestId: 'fits', paymentId, amount: usd(100) });
    expect(cents(paymentOf(smallerRefund).refundedAmount)).to.equal(100);
  });

  const shortInterval = { REFUND_RESOLVE_INTERVAL: '50ms' };
  const recordOf = (key: string) => server.gateway.lookup({ key, signal });
});

describe('PAYMENT_FAILURE_RATE', () => {
  let server: PaymentTestServer;

  before(async () => {
    server = await startPaymentServer({ PAYMENT_FAILURE_RATE: '0.5' });
  });
  after(() => server.close());

  it('declines the configured share of pm_approve payments, and makes the same decision when a request is repeated', async () => {
    const requests = Array.from({ length: 100 }, () => anAuthorization({ paymentMethod: 'pm_approve_any' }));
    const authorizeAll = async (): Promise<(DeclineCode | undefined)[]> =>
      (await Promise.all(requests.map((request) => server.client.authorizePayment(request)))).map(
        (response) => paymentOf(response).decline?.code,
      );
    const first = await authorizeAll();
    // The probability of a count outside these bounds is 3 * 10^-17.
    expect(first.filter((code) => code === DeclineCode.DO_NOT_HONOR).length).to.be.within(11, 89);
    expect(await authorizeAll()).to.deep.equal(first);
  });

  it('does not apply to other payment methods', async () => {
    await Promise.all(
      Array.from({ length: 20 }, () =>
        authorized(server.client, { paymentMethod: 'pm_capture_answer_lost' }),
      ),
    );
  });
});
