import { expect } from 'chai';
import { DeclineCode, PaymentState } from '../../pkg/pb/payment/v1/payment.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
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

const signal = new AbortController().signal;

describe('a payment in doubt', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;

  before(async () => {
    // Nothing is finished in the background unless a test says so.
    server = await startPaymentServer({ PAYMENT_SLOW_DELAY: '60s', REFUND_RESOLVE_INTERVAL: '10m' });
    ({ client } = server);
  });
  after(() => server.close());

  it('whose answer was lost after the charge resolves to one charge', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_answer_lost' });
    const { paymentId } = request;
    const doubt = await expectReason(client.authorizePayment(request), 'PAYMENT_IN_DOUBT');
    expect(doubt.metadata).to.deep.equal({ payment_id: paymentId });
    await expectReason(client.capturePayment({ paymentId, amount: undefined }), 'PAYMENT_NOT_FOUND');
    expect(paid(await client.authorizePayment(request)).state).to.equal(PaymentState.AUTHORIZED);
    const payment = await audited(client, paymentId);
    expect(payment.audit).to.include({ authorizationCount: 1 });
    expectBooksAgree(payment);
  });

  it('because the gateway was unavailable is approved after as many attempts as it takes', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_fail_3_then_approve' });
    for (let attempt = 1; attempt <= 3; attempt += 1)
      await expectReason(client.authorizePayment(request), 'PAYMENT_IN_DOUBT');
    expect(paid(await client.authorizePayment(request)).state).to.equal(PaymentState.AUTHORIZED);
    expectBooksAgree(await audited(client, request.paymentId));
  });

  it('because the gateway was slow is answered when asked again', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_slow' });
    await expectReason(client.authorizePayment(request, { timeoutMs: 300 }), 'DEADLINE_EXCEEDED');
    const again = await client.authorizePayment(request, { timeoutMs: 20_000 });
    expect(paid(again).state).to.equal(PaymentState.AUTHORIZED);
    expectBooksAgree(await audited(client, request.paymentId));
  });

  it('because its caller hung up is answered when asked again', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_slow' });
    const caller = new AbortController();
    const call = client.authorizePayment(request, { signal: caller.signal });
    await waitFor(async () => (await books(request.paymentId)).authorizationCount === 1, 'the charge');
    caller.abort();
    await expectReason(call, 'CANCELLED');
    expect(paid(await client.authorizePayment(request)).state).to.equal(PaymentState.AUTHORIZED);
    expectBooksAgree(await audited(client, request.paymentId));
  });

  it('because the service ended between the charge and its own books has one charge', async () => {
    const request = anAuthorization();
    const { paymentId: key, orderId } = request;
    const amount = { currency: 'USD', minor: 1000n };
    await server.gateway.authorize({ key, orderId, amount, method: 'pm_approve', signal });
    expect(paid(await client.authorizePayment(request)).state).to.equal(PaymentState.AUTHORIZED);
    const payment = await audited(client, key);
    expect(payment.audit).to.include({ authorizationCount: 1 });
    expectBooksAgree(payment);
  });

  it('can be voided, which gives the lost charge up', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_answer_lost' });
    const { paymentId } = request;
    await expectReason(client.authorizePayment(request), 'PAYMENT_IN_DOUBT');
    const voided = await client.voidPayment({ paymentId });
    expect(paid(voided)).to.include({ state: PaymentState.VOIDED, amount: undefined });
    expect(paid(voided).authorizedAmount).to.deep.equal(usd(1000));
    await expectReason(client.authorizePayment(request), 'PAYMENT_VOIDED');
    expect(await client.voidPayment({ paymentId })).to.deep.equal(voided);
    const payment = await audited(client, paymentId);
    expect(payment.audit).to.include({ authorizationCount: 1, voided: true });
    expectBooksAgree(payment);
  });

  it('at its capture is captured once when asked again', async () => {
    const { paymentId } = await authorized(client, { paymentMethod: 'pm_capture_answer_lost' });
    const request = { paymentId, amount: usd(700) };
    await expectReason(client.capturePayment(request), 'PAYMENT_IN_DOUBT');
    expect(cents(paid(await client.capturePayment(request)).capturedAmount)).to.equal(700);
    const payment = await audited(client, paymentId);
    expect(payment.audit).to.include({ captureCount: 1 });
    expectBooksAgree(payment);
  });

  it('at its capture keeps the amount of the first request, which the gateway holds', async () => {
    const { paymentId } = await authorized(client, { paymentMethod: 'pm_capture_answer_lost' });
    await expectReason(client.capturePayment({ paymentId, amount: usd(700) }), 'PAYMENT_IN_DOUBT');
    await expectReason(client.capturePayment({ paymentId, amount: usd(800) }), 'REQUEST_ID_REUSED');
    expect(cents((await audited(client, paymentId)).capturedAmount)).to.equal(700);
    expectBooksAgree(await audited(client, paymentId));
  });

  it('at its capture cannot be voided any more, only refunded', async () => {
    const { paymentId } = await authorized(client, { paymentMethod: 'pm_capture_answer_lost' });
    await expectReason(client.capturePayment({ paymentId, amount: undefined }), 'PAYMENT_IN_DOUBT');
    await expectReason(client.voidPayment({ paymentId }), 'ILLEGAL_TRANSITION');
    const refunded = await client.refundPayment({ requestId: 'r', paymentId, amount: undefined });
    expect(paid(refunded).state).to.equal(PaymentState.REFUNDED);
    expectBooksAgree(await audited(client, paymentId));
  });

  it('at its refund is refunded once when asked again, and its money is kept back until then', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_answer_lost' });
    const request = { requestId: 'lost', paymentId, amount: usd(600) };
    await expectReason(client.refundPayment(request), 'PAYMENT_IN_DOUBT');
    await expectReason(
      client.refundPayment({ requestId: 'other', paymentId, amount: usd(500) }),
      'REFUND_EXCEEDS_CAPTURE',
    );
    expect(cents(paid(await client.refundPayment(request)).refundedAmount)).to.equal(600);
    expectBooksAgree(await audited(client, paymentId));
  });

  it('at its refund is finished in the background when nobody asks again', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_answer_lost' });
    // Its own retry time is that of the replica that took it, so that replica must be a quick one too.
    const replicas = await Promise.all([1, 2, 3].map(() => server.addReplica(quickly)));
    const request = { requestId: 'left', paymentId, amount: usd(600) };
    await expectReason(replicas[0]!.refundPayment(request), 'PAYMENT_IN_DOUBT');
    await waitFor(async () => cents((await audited(client, paymentId)).refundedAmount) === 600, 'the refund');
    expectBooksAgree(await audited(client, paymentId));
    const late = paid(await client.refundPayment(request));
    expect(late.state).to.equal(PaymentState.PARTIALLY_REFUNDED);
  });

  it('at its refund is refused for good when the gateway says that there is not so much', async () => {
    const { paymentId } = await captured(client);
    // Somebody gave money back past this service.
    await server.gateway.refund({ key: paymentId, refundKey: 'by hand', amount: 900n, signal });
    const request = { requestId: 'r', paymentId, amount: usd(200) };
    await expectReason(client.refundPayment(request), 'REFUND_EXCEEDS_CAPTURE');
    await expectReason(client.refundPayment(request), 'REFUND_EXCEEDS_CAPTURE');
    const fits = await client.refundPayment({ requestId: 'fits', paymentId, amount: usd(100) });
    expect(cents(paid(fits).refundedAmount)).to.equal(100);
  });

  const quickly = { REFUND_RESOLVE_INTERVAL: '50ms' };
  const books = (key: string) => server.gateway.lookup({ key, signal });
});

describe('PAYMENT_FAILURE_RATE', () => {
  let server: PaymentTestServer;

  before(async () => {
    server = await startPaymentServer({ PAYMENT_FAILURE_RATE: '0.5' });
  });
  after(() => server.close());

  it('declines that share of pm_approve, once and for all', async () => {
    const requests = Array.from({ length: 100 }, () => anAuthorization({ paymentMethod: 'pm_approve_any' }));
    const authorizeAll = async (): Promise<(DeclineCode | undefined)[]> =>
      (await Promise.all(requests.map((request) => server.client.authorizePayment(request)))).map(
        (answer) => paid(answer).decline?.code,
      );
    const first = await authorizeAll();
    // Each bound is missed once in 10^15 runs.
    expect(first.filter((code) => code === DeclineCode.DO_NOT_HONOR).length).to.be.within(11, 89);
    expect(await authorizeAll()).to.deep.equal(first);
  });

  it('leaves other payment methods alone', async () => {
    await Promise.all(
      Array.from({ length: 20 }, () =>
        authorized(server.client, { paymentMethod: 'pm_capture_answer_lost' }),
      ),
    );
  });
});
