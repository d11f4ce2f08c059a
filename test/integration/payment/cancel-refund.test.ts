import { expect } from 'chai';
import { RefundState } from '../../../pkg/pb/payment/v1/payment.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { audited, captured, cents, expectInSync, paymentOf, repeatInDoubt, usd } from './requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './server.js';

const signal = new AbortController().signal;
const note = { actor: 'grace', reason: 'the customer was paid in cash' };
const cancelled = { state: RefundState.CANCELLED, rejectionReason: '' };
const succeeded = { state: RefundState.SUCCEEDED, rejectionReason: '' };

const cancelEntries = sql(
  'test.cancel_entries',
  `select amount_minor::int as amount, request_key as key, actor, reason from payment_ledger
   where payment_id = $paymentId and kind = 'REFUND_CANCEL'`,
);
const tombstone = sql(
  'test.tombstone_of_refund',
  'select actor, reason from refunds where payment_id = $paymentId',
);
/** Reserves a refund, as a replica does that ends before it calls the gateway. */
const reserveRefund = sql(
  'test.reserve_refund',
  `with refund as (
     insert into refunds (payment_id, request_id, fingerprint, state, amount_minor, retry_at)
     values ($paymentId, 'r', '', 'PENDING', 600, now())
   )
   update payments set refund_pending_minor = 600 where id = $paymentId`,
);
/** Loses a pending refund, as the restore of an older state does. */
const loseRefund = sql(
  'test.lose_refund',
  `with lost as (delete from refunds where payment_id = $paymentId)
   update payments set refund_pending_minor = 0 where id = $paymentId`,
);

describe('CancelRefund', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;

  before(async () => {
    // The long intervals disable the background work and the later answers of the gateway.
    server = await startPaymentServer({ REFUND_RESOLVE_INTERVAL: '10m', PAYMENT_ACTION_DELAY: '24h' });
    ({ client } = server);
  });
  after(() => server.close());

  const refunding = (paymentId: string) => ({ requestId: 'r', paymentId, amount: usd(600) });
  const cancel = (paymentId: string, requestId = 'r') =>
    client.cancelRefund({ requestId, paymentId, ...note });
  const amountsOf = async (paymentId: string): Promise<number[]> => {
    const { refundedAmount, refundPendingAmount } = await audited(client, paymentId);
    return [cents(refundedAmount), cents(refundPendingAmount)];
  };
  const entriesOf = (paymentId: string) => server.db.query(cancelEntries({ paymentId }));

  it('cancels a refund that the gateway has not received, and frees its amount', async () => {
    const { paymentId } = await captured(client);
    await server.db.query(reserveRefund({ paymentId }));
    expect(await amountsOf(paymentId)).to.deep.equal([0, 600]);

    expect(await cancel(paymentId)).to.deep.equal(cancelled);

    expect(await amountsOf(paymentId)).to.deep.equal([0, 0]);
    expect(await entriesOf(paymentId)).to.deep.equal([{ amount: 600, key: 'r', ...note }]);
    const error = await expectReason(client.refundPayment(refunding(paymentId)), 'REFUND_CANCELLED');
    expect(error.metadata).to.deep.equal({ payment_id: paymentId, request_id: 'r' });
    expect(error.preconditions).to.have.lengthOf(1);
    await client.refundPayment({ requestId: 'another', paymentId, amount: usd(1000) });
    expectInSync(await audited(client, paymentId));
  });

  it('leaves a tombstone for an unknown key, which rejects every late refund with the key', async () => {
    const { paymentId } = await captured(client);
    expect(await cancel(paymentId)).to.deep.equal(cancelled);
    expect(await cancel(paymentId)).to.deep.equal(cancelled);
    for (const amount of [usd(600), usd(1), undefined])
      await expectReason(client.refundPayment({ ...refunding(paymentId), amount }), 'REFUND_CANCELLED');
    expect(await amountsOf(paymentId)).to.deep.equal([0, 0]);
    expect(await entriesOf(paymentId)).to.deep.equal([{ amount: 0, key: 'r', ...note }]);
    expectInSync(await audited(client, paymentId));
  });

  it('leaves a tombstone for an unknown payment', async () => {
    const paymentId = uuidv7();
    expect(await cancel(paymentId)).to.deep.equal(cancelled);
    expect(await cancel(paymentId)).to.deep.equal(cancelled);
    await expectReason(client.getPayment({ paymentId, view: 0 }), 'PAYMENT_NOT_FOUND');
    expect(await server.db.query(tombstone({ paymentId }))).to.deep.equal([note]);
  });

  it('makes the gateway reject a refund that arrives after the cancellation', async () => {
    const { paymentId: key } = await captured(client);
    await cancel(key);
    const late = await server.gateway.refund({ key, refundKey: 'r', amount: 600n, signal });
    expect(late).to.deep.equal({ outcome: 'DECLINED' });
  });

  it('answers SUCCEEDED for a refund that has moved money', async () => {
    const { paymentId } = await captured(client);
    await client.refundPayment(refunding(paymentId));
    expect(await cancel(paymentId)).to.deep.equal(succeeded);
    expect(cents(paymentOf(await client.refundPayment(refunding(paymentId))).refundedAmount)).to.equal(600);
    expect(await entriesOf(paymentId)).to.deep.equal([]);
  });

  it('answers SUCCEEDED for a refund whose answer was lost, and records the refund', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_answer_lost' });
    await expectReason(client.refundPayment(refunding(paymentId)), 'PAYMENT_IN_DOUBT');
    expect(await cancel(paymentId)).to.deep.equal(succeeded);
    expect(await amountsOf(paymentId)).to.deep.equal([600, 0]);
    expectInSync(await audited(client, paymentId));
  });

  it('answers SUCCEEDED for a refund that only the gateway knows, and records the refund', async () => {
    const { paymentId } = await captured(client);
    await server.gateway.refund({ key: paymentId, refundKey: 'r', amount: 600n, signal });
    expect(await cancel(paymentId)).to.deep.equal(succeeded);
    expect(await amountsOf(paymentId)).to.deep.equal([600, 0]);
    expectInSync(await audited(client, paymentId));
  });

  it('answers SUCCEEDED for a refund of a payment that only the gateway knows', async () => {
    const key = uuidv7();
    const amount = { currency: 'USD', minor: 1000n };
    await server.gateway.authorize({ key, orderId: uuidv7(), amount, method: 'pm_approve', signal });
    await server.gateway.capture({ key, amount: 1000n, signal });
    await server.gateway.refund({ key, refundKey: 'r', amount: 600n, signal });
    for (let attempt = 1; attempt <= 2; attempt += 1) expect(await cancel(key)).to.deep.equal(succeeded);
  });

  it('answers REJECTED with the reason for a refund that was rejected or declined', async () => {
    const tooMuch = await captured(client);
    const request = { ...refunding(tooMuch.paymentId), amount: usd(1001) };
    await expectReason(client.refundPayment(request), 'REFUND_EXCEEDS_CAPTURE');
    const declined = await captured(client, { paymentMethod: 'pm_refund_declined' });
    await expectReason(client.refundPayment(refunding(declined.paymentId)), 'REFUND_DECLINED');
    expect([await cancel(tooMuch.paymentId), await cancel(declined.paymentId)]).to.deep.equal([
      { state: RefundState.REJECTED, rejectionReason: 'REFUND_EXCEEDS_CAPTURE' },
      { state: RefundState.REJECTED, rejectionReason: 'REFUND_DECLINED' },
    ]);
  });

  it('answers PENDING for a refund that is pending at the gateway, and cancels nothing', async () => {
    const { paymentId } = await captured(client, { paymentMethod: 'pm_refund_pending' });
    await expectReason(client.refundPayment(refunding(paymentId)), 'PAYMENT_IN_DOUBT');
    const pending = { state: RefundState.PENDING, rejectionReason: '' };
    expect(await cancel(paymentId)).to.deep.equal(pending);
    expect(await amountsOf(paymentId)).to.deep.equal([0, 600]);
    await server.db.query(loseRefund({ paymentId }));
    expect(await cancel(paymentId), 'a refund that only the gateway knows').to.deep.equal(pending);
    expect(await amountsOf(paymentId)).to.deep.equal([0, 600]);
  });

  it('decides a refund once when it is requested and cancelled concurrently', async () => {
    const replica = await server.addReplica({ PAYMENT_GATEWAY_LATENCY: '2ms' });
    const payments = await Promise.all(Array.from({ length: 24 }, () => captured(client)));
    await Promise.all(
      payments.map(async ({ paymentId }, index) => {
        const [first, second] = index % 2 === 0 ? [client, replica] : [replica, client];
        const [refunded, { state }] = await Promise.all([
          repeatInDoubt(() => first.refundPayment(refunding(paymentId))).then(
            () => 'refunded',
            ({ reason }: { reason: string }) => reason,
          ),
          second.cancelRefund({ requestId: 'r', paymentId, ...note }),
        ]);
        const isRefunded = state === RefundState.SUCCEEDED;
        expect(refunded).to.be.oneOf(isRefunded ? ['refunded'] : ['REFUND_CANCELLED', 'REFUND_DECLINED']);
        expect(await amountsOf(paymentId)).to.deep.equal([isRefunded ? 600 : 0, 0]);
        expectInSync(await audited(client, paymentId));
      }),
    );
  });

  it('answers PAYMENT_IN_DOUBT when the gateway does not answer, and cancels nothing', async () => {
    const { paymentId } = await captured(client);
    await server.db.query(reserveRefund({ paymentId }));
    const slow = await server.addReplica({
      PAYMENT_GATEWAY_LATENCY: '60s',
      PAYMENT_GATEWAY_TIMEOUT: '100ms',
    });
    const request = { requestId: 'r', paymentId, ...note };
    await expectReason(slow.cancelRefund(request), 'PAYMENT_IN_DOUBT');
    expect(await amountsOf(paymentId)).to.deep.equal([0, 600]);
  });

  for (const [field, name] of [
    ['requestId', 'request_id'],
    ['paymentId', 'payment_id'],
    ['actor', 'actor'],
    ['reason', 'reason'],
  ] as const)
    it(`requires ${name}`, async () => {
      const request = { requestId: 'r', paymentId: uuidv7(), ...note, [field]: '' };
      const error = await expectReason(client.cancelRefund(request), 'VALIDATION_FAILED');
      expect(error.fields.map((invalid) => invalid.field)).to.deep.equal([name]);
    });
});
