import { expect } from 'chai';
import { PaymentState } from '../../../pkg/pb/payment/v1/payment.js';
import { sql } from '../../../pkg/postgres/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import {
  aCapture,
  anAuthorization,
  audited,
  captured,
  cents,
  expectInSync,
  paymentOf,
  repeatInDoubt,
  usd,
} from './requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './server.js';

const setFingerprint = sql(
  'test.payment_set_fingerprint',
  'update payments set fingerprint = $fingerprint where fingerprint is not null',
);
const setRefundFingerprint = sql(
  'test.payment_set_refund_fingerprint',
  'update refunds set fingerprint = $fingerprint',
);

describe('payment idempotency', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;

  before(async () => {
    server = await startPaymentServer();
    ({ client } = server);
  });
  after(() => server.close());

  describe('AuthorizePayment', () => {
    it('makes one charge and returns equal responses to concurrent equal calls', async () => {
      const request = anAuthorization();
      const callers = [await server.addReplica(), ...server.clients(15)];
      const responses = await Promise.all(callers.map((caller) => caller.authorizePayment(request)));
      for (const response of responses) expect(response).to.deep.equal(responses[0]);
      const payment = await audited(client, request.paymentId);
      expect(payment.audit).to.include({ authorizationCount: 1 });
      expectInSync(payment);
    });

    it('makes one charge even if gateway answers are lost or attempts fail', async () => {
      for (const paymentMethod of ['pm_answer_lost', 'pm_fail_9_then_approve']) {
        const request = anAuthorization({ paymentMethod });
        const responses = await Promise.all(
          server.clients(8).map((caller) => repeatInDoubt(() => caller.authorizePayment(request))),
        );
        for (const response of responses) expect(response).to.deep.equal(responses[0]);
        expectInSync(await audited(client, request.paymentId));
      }
    });

    for (const [label, change] of Object.entries({
      amount: { amount: usd(999) },
      currency: { amount: { currencyCode: 'EUR', units: 10n, nanos: 0 } },
      order: { orderId: uuidv7() },
      'payment method': { paymentMethod: 'pm_approve_other' },
    })) {
      it(`rejects a repeated request with another ${label}`, async () => {
        const request = anAuthorization();
        const first = await client.authorizePayment(request);
        const reused = await expectReason(
          client.authorizePayment({ ...request, ...change }),
          'REQUEST_ID_REUSED',
        );
        expect(reused.metadata).to.deep.equal({ payment_id: request.paymentId });
        expect(await client.authorizePayment(request)).to.deep.equal(first);
      });

      it(`rejects a repeated request with another ${label} while the first request is in doubt`, async () => {
        const request = anAuthorization({ paymentMethod: 'pm_answer_lost' });
        await expectReason(client.authorizePayment(request), 'PAYMENT_IN_DOUBT');
        await expectReason(client.authorizePayment({ ...request, ...change }), 'REQUEST_ID_REUSED');
        expect(paymentOf(await client.authorizePayment(request)).state).to.equal(PaymentState.AUTHORIZED);
        expectInSync(await audited(client, request.paymentId));
      });
    }

    it('compares the stored fields when the stored fingerprint has a later version', async () => {
      const request = anAuthorization();
      const first = await client.authorizePayment(request);
      await server.db.query(setFingerprint({ fingerprint: Buffer.of(2, 1) }));
      expect(await client.authorizePayment(request)).to.deep.equal(first);
      await expectReason(client.authorizePayment({ ...request, amount: usd(999) }), 'REQUEST_ID_REUSED');
    });

    it('returns the current state of the payment when the request is repeated', async () => {
      const request = anAuthorization();
      const { paymentId } = await captured(client, request);
      expect(paymentOf(await client.authorizePayment(request)).state).to.equal(PaymentState.CAPTURED);
      await client.refundPayment({ requestId: 'r', paymentId, amount: undefined });
      expect(paymentOf(await client.authorizePayment(request)).state).to.equal(PaymentState.REFUNDED);
    });
  });

  describe('RefundPayment', () => {
    it('returns the first response to a repeated request, even after other refunds', async () => {
      const { paymentId } = await captured(client);
      const request = { requestId: 'first', paymentId, amount: usd(300) };
      const first = await client.refundPayment(request);
      await client.refundPayment({ requestId: 'rest', paymentId, amount: undefined });
      expect(await client.refundPayment(request)).to.deep.equal(first);
      expect(paymentOf(first).state).to.equal(PaymentState.PARTIALLY_REFUNDED);
      expectInSync(await audited(client, paymentId));
    });

    it('refunds once when the stored fingerprint has a later version', async () => {
      const { paymentId } = await captured(client);
      const request = { requestId: 'later', paymentId, amount: usd(300) };
      const first = await client.refundPayment(request);
      await server.db.query(setRefundFingerprint({ fingerprint: Buffer.of(2, 1) }));
      expect(await client.refundPayment(request)).to.deep.equal(first);
    });

    it('refunds once when a request without an amount is repeated', async () => {
      const { paymentId } = await captured(client);
      const request = { requestId: 'all', paymentId, amount: undefined };
      const first = await client.refundPayment(request);
      expect(await client.refundPayment(request)).to.deep.equal(first);
      expect(cents(paymentOf(first).refundedAmount)).to.equal(1000);
    });

    it('rejects a repeated request with another amount', async () => {
      const { paymentId } = await captured(client);
      await client.refundPayment({ requestId: 'r', paymentId, amount: usd(300) });
      for (const amount of [usd(301), undefined, { currencyCode: 'EUR', units: 3n, nanos: 0 }])
        await expectReason(client.refundPayment({ requestId: 'r', paymentId, amount }), 'REQUEST_ID_REUSED');
      expect(cents((await audited(client, paymentId)).refundedAmount)).to.equal(300);
    });

    it('accepts equal request ids for different payments', async () => {
      for (const { paymentId } of [await captured(client), await captured(client)])
        expect(
          paymentOf(await client.refundPayment({ requestId: 'same', paymentId, amount: usd(1) }))
            .refundedAmount,
        ).to.deep.equal(usd(1));
    });

    it('makes a separate refund for each call without a request id', async () => {
      const { paymentId } = await captured(client);
      await client.refundPayment({ requestId: '', paymentId, amount: usd(300) });
      await client.refundPayment({ requestId: '', paymentId, amount: usd(300) });
      expect(cents((await audited(client, paymentId)).refundedAmount)).to.equal(600);
    });

    it('returns the stored rejection of a refund that was too large', async () => {
      const { paymentId } = await captured(client);
      const request = { requestId: 'too-much', paymentId, amount: usd(1001) };
      const first = await expectReason(client.refundPayment(request), 'REFUND_EXCEEDS_CAPTURE');
      expect(first.preconditions.map(({ type }) => type)).to.deep.equal(['CAPTURED_AMOUNT']);
      await client.refundPayment({ requestId: 'fits', paymentId, amount: usd(1000) });
      const repeated = await expectReason(client.refundPayment(request), 'REFUND_EXCEEDS_CAPTURE');
      const { message, metadata, preconditions } = first;
      expect(repeated).to.deep.include({ message, metadata, preconditions });
    });

    it('returns the stored rejection after the capture if the refund was first requested before the capture, and stores nothing for an unknown payment', async () => {
      const request = anAuthorization();
      const { paymentId } = request;
      const unknown = { requestId: 'unknown', paymentId, amount: undefined };
      const uncaptured = { requestId: 'uncaptured', paymentId, amount: undefined };
      await expectReason(client.refundPayment(unknown), 'PAYMENT_NOT_FOUND');
      await client.authorizePayment(request);
      await expectReason(client.refundPayment(uncaptured), 'ILLEGAL_TRANSITION');
      await client.capturePayment(aCapture(paymentId));
      await expectReason(client.refundPayment(uncaptured), 'ILLEGAL_TRANSITION');
      expect(cents((await audited(client, paymentId)).refundedAmount)).to.equal(0);
      expect(cents(paymentOf(await client.refundPayment(unknown)).refundedAmount)).to.equal(1000);
    });

    it('makes one refund and returns equal responses to concurrent equal calls', async () => {
      const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_answer_lost' });
      const request = { requestId: 'concurrent', paymentId, amount: usd(600) };
      const responses = await Promise.all(
        server.clients(8).map((caller) => repeatInDoubt(() => caller.refundPayment(request))),
      );
      for (const response of responses) expect(response).to.deep.equal(responses[0]);
      const payment = await audited(client, paymentId);
      expect(cents(payment.refundedAmount)).to.equal(600);
      expectInSync(payment);
    });
  });
});
