import { expect } from 'chai';
import { DeclineCode, PaymentState, PaymentView } from '../../../pkg/pb/payment/v1/payment.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
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

const listNotes = sql(
  'test.list_ledger_notes',
  'select kind, actor, reason from payment_ledger where payment_id = $paymentId order by id',
);
const countRefunds = sql(
  'test.count_refunds_of_payment',
  'select count(*)::int as refunds from refunds where payment_id = $paymentId',
);

describe('a payment that the gateway refuses to capture or refund', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;

  before(async () => {
    server = await startPaymentServer();
    ({ client } = server);
  });
  after(() => server.close());

  const notesOf = (paymentId: string) =>
    server.db.query<{ kind: string; actor: string | null; reason: string | null }>(listNotes({ paymentId }));

  it('is EXPIRED by a capture after the authorization expired; a void then changes nothing', async () => {
    const { paymentId } = await authorized(client, { paymentMethod: 'pm_authorization_expires' });
    for (let repeats = 0; repeats < 2; repeats += 1) {
      const response = await client.capturePayment(aCapture(paymentId, usd(1000)));
      expect(paymentOf(response).state).to.equal(PaymentState.EXPIRED);
    }
    expect(paymentOf(await client.voidPayment({ paymentId })).state).to.equal(PaymentState.EXPIRED);
    expectInSync(await audited(client, paymentId));
  });

  it('is EXPIRED by a void if only the gateway knows that the authorization expired', async () => {
    const { paymentId } = await authorized(client, { paymentMethod: 'pm_authorization_expires' });
    const { signal } = new AbortController();
    await server.gateway.capture({ key: paymentId, amount: 1000n, signal });
    expect(paymentOf(await client.voidPayment({ paymentId })).state).to.equal(PaymentState.EXPIRED);
    expectInSync(await audited(client, paymentId));
  });

  it('stays AUTHORIZED with capture_decline after a declined capture, and can be voided', async () => {
    const { paymentId } = await authorized(client, { paymentMethod: 'pm_capture_declined' });
    for (let repeats = 0; repeats < 2; repeats += 1) {
      const payment = paymentOf(await client.capturePayment(aCapture(paymentId)));
      expect(payment.state).to.equal(PaymentState.AUTHORIZED);
      expect(payment.captureDecline?.code).to.equal(DeclineCode.DO_NOT_HONOR);
    }
    expect((await notesOf(paymentId)).map(({ kind }) => kind)).to.deep.equal([
      'AUTHORIZE',
      'CAPTURE_DECLINE',
    ]);
    expect(paymentOf(await client.voidPayment({ paymentId })).state).to.equal(PaymentState.VOIDED);
    expectInSync(await audited(client, paymentId));
  });

  it('keeps a declined refund under its key, and asks the gateway again for a refund with a new key', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_declined' });
    const request = { requestId: 'first', paymentId, amount: usd(400) };
    const first = await expectReason(client.refundPayment(request), 'REFUND_DECLINED');
    const repeated = await expectReason(client.refundPayment(request), 'REFUND_DECLINED');
    expect(repeated.metadata).to.deep.equal(first.metadata);
    const other = await expectReason(
      client.refundPayment({ ...request, requestId: 'second' }),
      'REFUND_DECLINED',
    );
    expect(other.metadata).to.deep.equal({ payment_id: paymentId, request_id: 'second' });
    expectInSync(await audited(client, paymentId));
  });

  it('has no stored refund if the payment is unknown', async () => {
    const paymentId = uuidv7();
    await expectReason(
      client.refundPayment({ requestId: 'r', paymentId, amount: usd(1) }),
      'PAYMENT_NOT_FOUND',
    );
    expect(await server.db.query(countRefunds({ paymentId }))).to.deep.equal([{ refunds: 0 }]);
  });

  it('is refunded outside the gateway by an operator, while the ledger of the gateway stays as it is', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_declined' });
    const request = {
      requestId: 'bank',
      paymentId,
      amount: undefined,
      actor: 'ada',
      reason: 'bank transfer 4711',
    };
    const first = await client.recordExternalRefund(request);
    expect(await client.recordExternalRefund(request)).to.deep.equal(first);
    const payment = await audited(client, paymentId);
    expect(payment.state).to.equal(PaymentState.REFUNDED);
    expect([cents(payment.refundedAmount), cents(payment.externallyRefundedAmount)]).to.deep.equal([
      1000, 1000,
    ]);
    expect(cents(payment.audit?.refundedAmount)).to.equal(0);
    expect((await notesOf(paymentId)).at(-1)).to.deep.equal({
      kind: 'EXTERNAL_REFUND',
      actor: 'ada',
      reason: 'bank transfer 4711',
    });
    await expectReason(client.refundPayment(request), 'REQUEST_ID_REUSED');
  });

  it('is refunded in part outside the gateway, and in part by the gateway', async () => {
    const { paymentId } = await captured(client);
    const note = { actor: 'ada', reason: 'voucher' };
    await client.recordExternalRefund({ requestId: 'bank', paymentId, amount: usd(300), ...note });
    const rest = paymentOf(await client.refundPayment({ requestId: 'rest', paymentId, amount: undefined }));
    expect(rest.state).to.equal(PaymentState.REFUNDED);
    expect(cents(rest.externallyRefundedAmount)).to.equal(300);
    expect(cents((await audited(client, paymentId)).audit?.refundedAmount)).to.equal(700);
  });

  it('has the actor and the reason of a void and of a refund in the ledger', async () => {
    const note = { actor: 'ada', reason: 'customer called' };
    const voided = await authorized(client);
    await client.voidPayment({ paymentId: voided.paymentId, ...note });
    expect((await notesOf(voided.paymentId)).at(-1)).to.deep.equal({ kind: 'VOID', ...note });
    const refunded = await captured(client);
    await client.refundPayment({ requestId: 'r', paymentId: refunded.paymentId, amount: usd(1), ...note });
    expect((await notesOf(refunded.paymentId)).at(-1)).to.deep.equal({ kind: 'REFUND', ...note });
    const tombstone = uuidv7();
    await client.voidPayment({ paymentId: tombstone, ...note });
    expect(await notesOf(tombstone)).to.deep.equal([{ kind: 'VOID', ...note }]);
  });

  it('has no external refund of more than the remaining amount, or while a refund is pending', async () => {
    const note = { actor: 'ada', reason: 'bank transfer' };
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_pending' });
    const record = { requestId: 'bank', paymentId, amount: usd(1001), ...note };
    await expectReason(client.recordExternalRefund(record), 'REFUND_EXCEEDS_CAPTURE');
    await expectReason(
      client.refundPayment({ requestId: 'r', paymentId, amount: usd(1) }),
      'PAYMENT_IN_DOUBT',
    );
    const rest = { requestId: 'rest', paymentId, amount: undefined, ...note };
    await expectReason(client.recordExternalRefund(rest), 'PAYMENT_IN_DOUBT');
    await expectReason(client.recordExternalRefund({ ...rest, paymentId: uuidv7() }), 'PAYMENT_NOT_FOUND');
    const { paymentId: open } = await authorized(client);
    await expectReason(client.recordExternalRefund({ ...rest, paymentId: open }), 'ILLEGAL_TRANSITION');
  });

  const external = { requestId: 'r', amount: usd(1), actor: 'ada', reason: 'bank transfer' };
  const invalidRecords = {
    'a key': [{ requestId: '' }, 'request_id'],
    'an actor': [{ actor: '' }, 'actor'],
    'a reason': [{ reason: '' }, 'reason'],
    'a valid amount': [{ amount: { ...usd(1), nanos: 1 } }, 'amount'],
  } as const;
  for (const [label, [change, field]] of Object.entries(invalidRecords))
    it(`rejects an external refund without ${label}`, async () => {
      const { paymentId } = await captured(client);
      const record = { ...external, paymentId, ...change };
      const error = await expectReason(client.recordExternalRefund(record), 'VALIDATION_FAILED');
      expect(error.fields.map((violation) => violation.field)).to.deep.equal([field]);
    });

  const invalid = {
    'an actor of 129 characters': [{ actor: 'a'.repeat(129) }, 'actor'],
    'a reason of 201 characters': [{ reason: 'a'.repeat(201) }, 'reason'],
  } as const;
  for (const [label, [change, field]] of Object.entries(invalid)) {
    it(`rejects ${label}`, async () => {
      const { paymentId } = await captured(client);
      const request = { requestId: 'r', paymentId, amount: usd(1), ...change };
      const error = await expectReason(client.refundPayment(request), 'VALIDATION_FAILED');
      expect(error.fields.map((violation) => violation.field)).to.deep.equal([field]);
    });
  }

  it('rejects a void with an actor of 129 characters or a reason of 201 characters', async () => {
    for (const note of [{ actor: 'a'.repeat(129) }, { reason: 'a'.repeat(201) }])
      await expectReason(client.voidPayment({ paymentId: uuidv7(), ...note }), 'VALIDATION_FAILED');
  });

  it('that only the gateway knows is shown with the record of the gateway', async () => {
    const { paymentId: key, orderId } = anAuthorization();
    const { signal } = new AbortController();
    const amount = { currency: 'USD', minor: 1000n };
    await expectReason(client.getPayment({ paymentId: key, view: PaymentView.AUDIT }), 'PAYMENT_NOT_FOUND');
    await server.gateway.authorize({ key, orderId, amount, method: 'pm_approve', signal });
    const payment = await audited(client, key);
    expect(payment).to.include({ paymentId: key, state: PaymentState.UNSPECIFIED });
    expect(payment.audit).to.include({ authorizationCount: 1, voided: false });
    await expectReason(client.getPayment({ paymentId: key, view: PaymentView.BASIC }), 'PAYMENT_NOT_FOUND');
  });
});
