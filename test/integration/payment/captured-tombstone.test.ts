import { expect } from 'chai';
import { PaymentState, type Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { waitFor } from '../../support/wait-for.js';
import { aCapture, anAuthorization, audited, authorized, cents, expectInSync, usd } from './requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './server.js';

const signal = new AbortController().signal;
const ledgerOf = sql(
  'test.ledger_of_payment',
  `select kind, amount_minor::int as amount, actor, reason is not null as "hasReason"
   from payment_ledger where payment_id = $paymentId order by id`,
);
const insertTombstone = sql(
  'test.insert_tombstone',
  `insert into payments (id, state, void_retry_at) values ($paymentId, 'VOIDED', now())`,
);

const approveCalls = sql(
  'test.approve_calls',
  `update gateway_charges set method = 'pm_approve' where charge_key = $paymentId`,
);

describe('a charge that only the gateway knows', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;

  before(async () => {
    server = await startPaymentServer({ REFUND_RESOLVE_INTERVAL: '100ms', PAYMENT_ACTION_DELAY: '300ms' });
    ({ client } = server);
  });
  after(() => server.close());

  /** Charges 10.00 USD at the gateway, as a payment service does whose database was restored to an older state. */
  const charge = async (method = 'pm_approve', captured = 1000n): Promise<string> => {
    const key = uuidv7();
    const amount = { currency: 'USD', minor: 1000n };
    await server.gateway.authorize({ key, orderId: uuidv7(), amount, method, signal });
    if (captured > 0n) await server.gateway.capture({ key, amount: captured, signal });
    return key;
  };
  const expectNotVoided = async (paymentId: string, state: keyof typeof PaymentState): Promise<void> => {
    const { metadata } = await expectReason(client.voidPayment({ paymentId }), 'ILLEGAL_TRANSITION');
    expect(metadata).to.deep.equal({ payment_id: paymentId, state, command: 'VOID' });
  };
  const amountsOf = ({ capturedAmount, refundedAmount, refundPendingAmount }: Payment) =>
    [capturedAmount, refundedAmount, refundPendingAmount].map(cents);
  const changesOf = async (paymentId: string): Promise<string[]> => {
    const rows = await server.db.query<{ kind: string; amount: number }>(ledgerOf({ paymentId }));
    return rows.map(({ kind, amount }) => `${kind} ${amount}`);
  };
  const untilRefunded = (paymentId: string): Promise<unknown> =>
    waitFor(async () => (await audited(client, paymentId)).state === PaymentState.REFUNDED, 'refund');

  for (const captured of [1000n, 700n])
    it(`is refunded by a void if ${captured} of 1000 were captured, and every void gets the true state`, async () => {
      const paymentId = await charge('pm_approve', captured);

      await expectNotVoided(paymentId, 'REFUNDED');
      await expectNotVoided(paymentId, 'REFUNDED');

      const payment = await audited(client, paymentId);
      expect(payment).to.include({ state: PaymentState.REFUNDED, orderId: '' });
      expect(amountsOf(payment)).to.deep.equal([Number(captured), Number(captured), 0]);
      expectInSync(payment);
      const changes = ['VOID 0', 'AUTHORIZE 1000', `CAPTURE ${captured}`, `REFUND ${captured}`];
      expect(await changesOf(paymentId)).to.deep.equal(changes);
    });

  it('is refunded with the operator and the reason in the ledger', async () => {
    const paymentId = await charge();
    const request = { paymentId, actor: 'grace', reason: 'no order has this payment' };
    await expectReason(client.voidPayment(request), 'ILLEGAL_TRANSITION');
    const [voided, , , refunded] = await server.db.query(ledgerOf({ paymentId }));
    expect(voided).to.deep.include({ kind: 'VOID', actor: 'grace', hasReason: true });
    expect(refunded).to.deep.include({ kind: 'REFUND', actor: null, hasReason: true });
  });

  it('is refunded only by what the gateway has not refunded', async () => {
    const paymentId = await charge();
    await server.gateway.refund({ key: paymentId, refundKey: 'lost', amount: 400n, signal });
    await expectNotVoided(paymentId, 'REFUNDED');
    expectInSync(await audited(client, paymentId));
    const changes = ['VOID 0', 'AUTHORIZE 1000', 'CAPTURE 1000', 'REFUND 400', 'REFUND 600'];
    expect(await changesOf(paymentId)).to.deep.equal(changes);
  });

  it('is recorded as REFUNDED if the gateway has refunded it', async () => {
    const paymentId = await charge();
    await server.gateway.refund({ key: paymentId, refundKey: 'lost', amount: 1000n, signal });
    await expectNotVoided(paymentId, 'REFUNDED');
    expectInSync(await audited(client, paymentId));
    expect(await changesOf(paymentId)).to.have.lengthOf(4);
  });

  it('is voided if it was not captured', async () => {
    const paymentId = await charge('pm_approve', 0n);
    const { payment } = await client.voidPayment({ paymentId });
    expect(payment?.state).to.equal(PaymentState.VOIDED);
    expectInSync(await audited(client, paymentId));
  });

  it('is refunded in the background if the caller of the void is gone', async () => {
    const paymentId = await charge();
    await server.db.query(insertTombstone({ paymentId }));
    await untilRefunded(paymentId);
    expectInSync(await audited(client, paymentId));
    await expectNotVoided(paymentId, 'REFUNDED');
  });

  for (const method of ['pm_refund_pending', 'pm_refund_answer_lost'])
    it(`is refunded once if the refund has no answer at once: ${method}`, async () => {
      const paymentId = await charge(method);
      await expectReason(client.voidPayment({ paymentId }), 'PAYMENT_IN_DOUBT');
      await untilRefunded(paymentId);
      await expectNotVoided(paymentId, 'REFUNDED');
      expectInSync(await audited(client, paymentId));
    });

  for (const method of ['pm_refund_declined', 'pm_refund_pending_declined'])
    it(`stays CAPTURED if the gateway declines the refund, and can be refunded later: ${method}`, async () => {
      const paymentId = await charge(method);
      await waitFor(
        () =>
          client.voidPayment({ paymentId }).then(
            () => undefined,
            ({ metadata }: { metadata: Record<string, string> }) => metadata['state'] === 'CAPTURED',
          ),
        'definite answer of the void',
      );
      await waitFor(
        async () => cents((await audited(client, paymentId)).refundPendingAmount) === 0,
        'decline',
      );
      expect(amountsOf(await audited(client, paymentId))).to.deep.equal([1000, 0, 0]);
      await server.db.query(approveCalls({ paymentId }));
      await client.refundPayment({ requestId: 'again', paymentId, amount: usd(1000) });
      await expectNotVoided(paymentId, 'REFUNDED');
    });

  it('rejects a late authorization', async () => {
    const request = anAuthorization();
    const { paymentId: key, orderId, paymentMethod: method } = request;
    const amount = { currency: 'USD', minor: 1000n };
    await server.gateway.authorize({ key, orderId, amount, method, signal });
    await server.gateway.capture({ key, amount: 1000n, signal });
    await expectNotVoided(key, 'REFUNDED');
    await expectReason(client.authorizePayment(request), 'PAYMENT_VOIDED');
    await expectReason(client.capturePayment(aCapture(key)), 'ILLEGAL_TRANSITION');
    await authorized(client, { orderId });
  });
});

describe('a void of an authorization that the gateway captured', () => {
  let server: PaymentTestServer;

  before(async () => {
    server = await startPaymentServer();
  });
  after(() => server.close());

  for (const paymentMethod of ['pm_approve', 'pm_capture_declined'])
    it(`is rejected in state CAPTURED, and the payment can be refunded: ${paymentMethod}`, async () => {
      const { client, db } = server;
      const { paymentId } = await authorized(client, { paymentMethod });
      if (paymentMethod === 'pm_capture_declined') await client.capturePayment(aCapture(paymentId));
      await db.query(approveCalls({ paymentId }));
      await server.gateway.capture({ key: paymentId, amount: 1000n, signal });

      const { metadata } = await expectReason(client.voidPayment({ paymentId }), 'ILLEGAL_TRANSITION');

      expect(metadata).to.include({ state: 'CAPTURED' });
      await client.refundPayment({ requestId: 'r', paymentId, amount: usd(1000) });
      expectInSync(await audited(client, paymentId));
    });
});
