import { expect } from 'chai';
import { PaymentState, PaymentView } from '../../pkg/pb/payment/v1/payment.js';
import { isAppError, type Reason } from '../../pkg/errors/index.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import {
  anAuthorization,
  audited,
  authorized,
  captured,
  cents,
  expectBooksAgree,
  usd,
} from './payment-requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './payment-server.js';

describe('payments under fire', () => {
  let server: PaymentTestServer;
  let callers: PaymentClient[];

  before(async () => {
    server = await startPaymentServer({ PAYMENT_GATEWAY_LATENCY: '2ms' });
    callers = [await server.addReplica(), await server.addReplica(), ...server.clients(13)];
  });
  after(() => server.close());

  const caller = (index: number): PaymentClient => callers[index % callers.length]!;

  it('voided while they are authorized are never left blocked', async () => {
    const requests = Array.from({ length: 60 }, () => anAuthorization());
    await Promise.all(
      requests.flatMap((request, index) => {
        const authorize = (at: number) => reasonOf(caller(at).authorizePayment(request));
        const cancel = () => reasonOf(caller(index + 7).voidPayment({ paymentId: request.paymentId }));
        return index % 2 === 0
          ? [authorize(index), cancel(), authorize(index + 1)]
          : [cancel(), authorize(index), authorize(index + 1)];
      }),
    );
    const payments = await Promise.all(requests.map(({ paymentId }) => audited(server.client, paymentId)));
    for (const payment of payments) {
      expect(payment.state).to.equal(PaymentState.VOIDED);
      expectBooksAgree(payment);
    }
  });

  it('voided while they are captured end as one of the two, on both sides', async () => {
    const made = await Promise.all(Array.from({ length: 60 }, (_, index) => authorized(caller(index))));
    const outcomes = await Promise.all(
      made.map(({ paymentId }, index) =>
        Promise.all([
          reasonOf(caller(index).capturePayment({ paymentId, amount: undefined })),
          reasonOf(caller(index + 5).voidPayment({ paymentId })),
        ]),
      ),
    );
    for (const [index, { paymentId }] of made.entries()) {
      const payment = await audited(server.client, paymentId);
      const isCaptured = payment.state === PaymentState.CAPTURED;
      expect(outcomes[index]).to.deep.equal(isCaptured ? [undefined, illegal] : [illegal, undefined]);
      expect(payment.state).to.equal(isCaptured ? PaymentState.CAPTURED : PaymentState.VOIDED);
      expectBooksAgree(payment);
    }
  });

  it('refunded by many never give back more than was captured', async () => {
    const { paymentId } = await captured(server.client);
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, (_, index) =>
        reasonOf(
          caller(index).refundPayment({
            requestId: `r${index}`,
            paymentId,
            amount: usd(70 + (index % 3)),
          }),
        ),
      ),
    );
    expect(new Set(outcomes)).to.deep.equal(new Set([undefined, 'REFUND_EXCEEDS_CAPTURE']));
    const payment = await audited(server.client, paymentId);
    expect(cents(payment.refundedAmount)).to.be.within(1000 - 70, 1000);
    expectBooksAgree(payment);
  });

  it('refunded in whole by many are refunded once', async () => {
    const { paymentId } = await captured(server.client);
    const outcomes = await Promise.all(
      callers.map((one, index) =>
        reasonOf(one.refundPayment({ requestId: `all${index}`, paymentId, amount: undefined })),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === undefined)).to.have.length(1);
    const payment = await audited(server.client, paymentId);
    expect(payment.state).to.equal(PaymentState.REFUNDED);
    expectBooksAgree(payment);
  });

  it('captured by many, also with different amounts, are captured once', async () => {
    const { paymentId } = await authorized(server.client);
    const amounts = callers.map((_, index) => 100 + (index % 4));
    const outcomes = await Promise.all(
      callers.map((one, index) =>
        reasonOf(one.capturePayment({ paymentId, amount: usd(amounts[index] ?? 0) })),
      ),
    );
    const payment = await audited(server.client, paymentId);
    const taken = cents(payment.capturedAmount);
    expect(outcomes).to.deep.equal(
      amounts.map((amount) => (amount === taken ? undefined : 'REQUEST_ID_REUSED')),
    );
    expectBooksAgree(payment);
  });

  it('for one order that race leave it one live payment', async () => {
    const orders = Array.from({ length: 12 }, () => uuidv7());
    const requests = orders.flatMap((orderId) =>
      Array.from({ length: 6 }, () => anAuthorization({ orderId })),
    );
    const outcomes = await Promise.all(
      requests.map((request, index) => reasonOf(caller(index).authorizePayment(request))),
    );
    expect(new Set(outcomes)).to.deep.equal(new Set([undefined, illegal]));
    for (const orderId of orders) {
      const { payments } = await server.client.listPayments({ pageSize: 0, pageToken: '', orderId });
      expect(payments).to.have.length(6);
      expect(payments.filter(({ state }) => state === PaymentState.AUTHORIZED)).to.have.length(1);
      for (const { paymentId } of payments) expectBooksAgree(await audited(server.client, paymentId));
    }
  });

  it('for an order may be made again once the one before is declined, voided or refunded', async () => {
    const orderId = uuidv7();
    const { client } = server;
    await client.authorizePayment(anAuthorization({ orderId, paymentMethod: 'pm_decline_card_expired' }));
    const voided = await authorized(client, { orderId });
    await client.voidPayment({ paymentId: voided.paymentId });
    const refunded = await captured(client, { orderId });
    await client.refundPayment({ requestId: 'r', paymentId: refunded.paymentId, amount: usd(1) });
    const early = anAuthorization({ orderId });
    expect(await reasonOf(client.authorizePayment(early))).to.equal(illegal);
    await client.refundPayment({ requestId: 'all', paymentId: refunded.paymentId, amount: undefined });
    await authorized(client, { orderId });
    expect(await reasonOf(client.authorizePayment(early))).to.equal(illegal);
    const { payment } = await client.getPayment({ paymentId: early.paymentId, view: PaymentView.BASIC });
    expect(payment).to.deep.include({ orderId, state: PaymentState.VOIDED, authorizedAmount: usd(0) });
  });
});

const illegal = 'ILLEGAL_TRANSITION';

/** How a call was refused, undefined if it was not. */
async function reasonOf(call: Promise<unknown>): Promise<Reason | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (isAppError(error)) return error.reason;
    throw error;
  }
}
