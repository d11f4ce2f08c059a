import { expect } from 'chai';
import { PaymentState } from '../../pkg/pb/payment/v1/payment.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import {
  anAuthorization,
  audited,
  captured,
  cents,
  expectBooksAgree,
  paid,
  untilKnown,
  usd,
} from './payment-requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './payment-server.js';

describe('the key of an authorization', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;

  before(async () => {
    server = await startPaymentServer();
    ({ client } = server);
  });
  after(() => server.close());

  it('makes equal calls that race one charge with one answer', async () => {
    const request = anAuthorization();
    const others = [await server.addReplica(), ...server.clients(15)];
    const answers = await Promise.all(others.map((other) => other.authorizePayment(request)));
    for (const answer of answers) expect(answer).to.deep.equal(answers[0]);
    const payment = await audited(client, request.paymentId);
    expect(payment.audit).to.include({ authorizationCount: 1 });
    expectBooksAgree(payment);
  });

  it('makes equal calls that race one charge also while answers are lost and attempts fail', async () => {
    for (const paymentMethod of ['pm_answer_lost', 'pm_fail_9_then_approve']) {
      const request = anAuthorization({ paymentMethod });
      const answers = await Promise.all(
        server.clients(8).map((other) => untilKnown(() => other.authorizePayment(request))),
      );
      for (const answer of answers) expect(answer).to.deep.equal(answers[0]);
      expectBooksAgree(await audited(client, request.paymentId));
    }
  });

  for (const [what, other] of Object.entries({
    amount: { amount: usd(999) },
    currency: { amount: { currencyCode: 'EUR', units: 10n, nanos: 0 } },
    order: { orderId: uuidv7() },
    'payment method': { paymentMethod: 'pm_approve_other' },
  })) {
    it(`stands for one request: another ${what} is refused`, async () => {
      const request = anAuthorization();
      const first = await client.authorizePayment(request);
      const reused = await expectReason(
        client.authorizePayment({ ...request, ...other }),
        'REQUEST_ID_REUSED',
      );
      expect(reused.metadata).to.deep.equal({ payment_id: request.paymentId });
      expect(await client.authorizePayment(request)).to.deep.equal(first);
    });

    it(`stands for one request also while that is in doubt: another ${what} is refused`, async () => {
      const request = anAuthorization({ paymentMethod: 'pm_answer_lost' });
      await expectReason(client.authorizePayment(request), 'PAYMENT_IN_DOUBT');
      await expectReason(client.authorizePayment({ ...request, ...other }), 'REQUEST_ID_REUSED');
      expect(paid(await client.authorizePayment(request)).state).to.equal(PaymentState.AUTHORIZED);
      expectBooksAgree(await audited(client, request.paymentId));
    });
  }

  it('repeats what has become of the payment since', async () => {
    const request = anAuthorization();
    const { paymentId } = await captured(client, request);
    expect(paid(await client.authorizePayment(request)).state).to.equal(PaymentState.CAPTURED);
    await client.refundPayment({ requestId: 'r', paymentId, amount: undefined });
    expect(paid(await client.authorizePayment(request)).state).to.equal(PaymentState.REFUNDED);
  });
});

describe('the key of a refund', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;

  before(async () => {
    server = await startPaymentServer();
    ({ client } = server);
  });
  after(() => server.close());

  it('repeats the first answer, also after other refunds', async () => {
    const { paymentId } = await captured(client);
    const request = { requestId: 'first', paymentId, amount: usd(300) };
    const first = await client.refundPayment(request);
    await client.refundPayment({ requestId: 'rest', paymentId, amount: undefined });
    expect(await client.refundPayment(request)).to.deep.equal(first);
    expect(paid(first).state).to.equal(PaymentState.PARTIALLY_REFUNDED);
    expectBooksAgree(await audited(client, paymentId));
  });

  it('keeps the amount that was left when none was given', async () => {
    const { paymentId } = await captured(client);
    const request = { requestId: 'all', paymentId, amount: undefined };
    const first = await client.refundPayment(request);
    expect(await client.refundPayment(request)).to.deep.equal(first);
    expect(cents(paid(first).refundedAmount)).to.equal(1000);
  });

  it('stands for one request', async () => {
    const { paymentId } = await captured(client);
    await client.refundPayment({ requestId: 'r', paymentId, amount: usd(300) });
    for (const amount of [usd(301), undefined, { currencyCode: 'EUR', units: 3n, nanos: 0 }])
      await expectReason(client.refundPayment({ requestId: 'r', paymentId, amount }), 'REQUEST_ID_REUSED');
    expect(cents((await audited(client, paymentId)).refundedAmount)).to.equal(300);
  });

  it('counts within its payment', async () => {
    for (const { paymentId } of [await captured(client), await captured(client)])
      expect(
        paid(await client.refundPayment({ requestId: 'same', paymentId, amount: usd(1) })).refundedAmount,
      ).to.deep.equal(usd(1));
  });

  it('may be left to the server, and then each call is a refund of its own', async () => {
    const { paymentId } = await captured(client);
    await client.refundPayment({ requestId: '', paymentId, amount: usd(300) });
    await client.refundPayment({ requestId: '', paymentId, amount: usd(300) });
    expect(cents((await audited(client, paymentId)).refundedAmount)).to.equal(600);
  });

  it('remembers a refusal: what was too much stays refused', async () => {
    const { paymentId } = await captured(client);
    const request = { requestId: 'too-much', paymentId, amount: usd(1001) };
    const first = await expectReason(client.refundPayment(request), 'REFUND_EXCEEDS_CAPTURE');
    expect(first.preconditions.map(({ type }) => type)).to.deep.equal(['CAPTURED_AMOUNT']);
    await client.refundPayment({ requestId: 'fits', paymentId, amount: usd(1000) });
    const again = await expectReason(client.refundPayment(request), 'REFUND_EXCEEDS_CAPTURE');
    const { message, metadata, preconditions } = first;
    expect(again).to.deep.include({ message, metadata, preconditions });
  });

  it('remembers a refusal: what came before the capture, or the payment, stays refused', async () => {
    const request = anAuthorization();
    const { paymentId } = request;
    const unknown = { requestId: 'unknown', paymentId, amount: undefined };
    const uncaptured = { requestId: 'uncaptured', paymentId, amount: undefined };
    await expectReason(client.refundPayment(unknown), 'PAYMENT_NOT_FOUND');
    await client.authorizePayment(request);
    await expectReason(client.refundPayment(uncaptured), 'ILLEGAL_TRANSITION');
    await client.capturePayment({ paymentId, amount: undefined });
    await expectReason(client.refundPayment(unknown), 'PAYMENT_NOT_FOUND');
    await expectReason(client.refundPayment(uncaptured), 'ILLEGAL_TRANSITION');
    expect(cents((await audited(client, paymentId)).refundedAmount)).to.equal(0);
  });

  it('makes equal calls that race one refund with one answer', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_answer_lost' });
    const request = { requestId: 'raced', paymentId, amount: usd(600) };
    const answers = await Promise.all(
      server.clients(8).map((other) => untilKnown(() => other.refundPayment(request))),
    );
    for (const answer of answers) expect(answer).to.deep.equal(answers[0]);
    const payment = await audited(client, paymentId);
    expect(cents(payment.refundedAmount)).to.equal(600);
    expectBooksAgree(payment);
  });
});
