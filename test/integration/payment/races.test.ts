import { expect } from 'chai';
import { PaymentState, PaymentView } from '../../../pkg/pb/payment/v1/payment.js';
import { isAppError, type Reason } from '../../../pkg/errors/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import {
  aCapture,
  anAuthorization,
  audited,
  authorized,
  captured,
  cents,
  expectInSync,
  repeatInDoubt,
  usd,
} from './requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './server.js';

describe('payments with concurrent calls', () => {
  let server: PaymentTestServer;
  let callers: PaymentClient[];

  before(async () => {
    server = await startPaymentServer({ PAYMENT_GATEWAY_LATENCY: '2ms' });
    callers = [await server.addReplica(), await server.addReplica(), ...server.clients(13)];
  });
  after(() => server.close());

  const caller = (index: number): PaymentClient => callers[index % callers.length]!;

  it('leave no amount blocked after a concurrent void and authorization', async () => {
    const requests = Array.from({ length: 60 }, () => anAuthorization());
    await Promise.all(
      requests.flatMap((request, index) => {
        const authorize = (callerIndex: number) => reasonOf(caller(callerIndex).authorizePayment(request));
        const cancel = () => reasonOf(caller(index + 7).voidPayment({ paymentId: request.paymentId }));
        return index % 2 === 0
          ? [authorize(index), cancel(), authorize(index + 1)]
          : [cancel(), authorize(index), authorize(index + 1)];
      }),
    );
    const payments = await Promise.all(requests.map(({ paymentId }) => audited(server.client, paymentId)));
    for (const payment of payments) {
      expect(payment.state).to.equal(PaymentState.VOIDED);
      expectInSync(payment);
    }
  });

  it('are either voided or captured after a concurrent void and capture, and stay in sync with the gateway', async () => {
    const created = await Promise.all(Array.from({ length: 60 }, (_, index) => authorized(caller(index))));
    const outcomes = await Promise.all(
      created.map(({ paymentId }, index) =>
        Promise.all([
          reasonOf(caller(index).capturePayment(aCapture(paymentId))),
          reasonOf(caller(index + 5).voidPayment({ paymentId })),
        ]),
      ),
    );
    for (const [index, { paymentId }] of created.entries()) {
      const payment = await audited(server.client, paymentId);
      const isCaptured = payment.state === PaymentState.CAPTURED;
      expect(outcomes[index]).to.deep.equal(isCaptured ? [undefined, illegal] : [illegal, undefined]);
      expect(payment.state).to.equal(isCaptured ? PaymentState.CAPTURED : PaymentState.VOIDED);
      expectInSync(payment);
    }
  });

  it('are refunded by at most the captured amount when partial refunds run concurrently', async () => {
    const { paymentId } = await captured(server.client);
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, (_, index) =>
        reasonOf(
          repeatInDoubt(() =>
            caller(index).refundPayment({
              requestId: `r${index}`,
              paymentId,
              amount: usd(70 + (index % 3)),
            }),
          ),
        ),
      ),
    );
    expect(new Set(outcomes)).to.deep.equal(new Set([undefined, 'REFUND_EXCEEDS_CAPTURE']));
    const payment = await audited(server.client, paymentId);
    expect(cents(payment.refundedAmount)).to.be.within(1000 - 70, 1000);
    expectInSync(payment);
  });

  it('are refunded once by concurrent full refunds', async () => {
    const { paymentId } = await captured(server.client);
    const outcomes = await Promise.all(
      callers.map((client, index) =>
        reasonOf(
          repeatInDoubt(() =>
            client.refundPayment({ requestId: `all${index}`, paymentId, amount: undefined }),
          ),
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === undefined)).to.have.length(1);
    const payment = await audited(server.client, paymentId);
    expect(payment.state).to.equal(PaymentState.REFUNDED);
    expectInSync(payment);
  });

  it('are captured once by concurrent captures with different amounts', async () => {
    const { paymentId } = await authorized(server.client);
    const amounts = callers.map((_, index) => 100 + (index % 4));
    const outcomes = await Promise.all(
      callers.map((client, index) =>
        reasonOf(client.capturePayment(aCapture(paymentId, usd(amounts[index] ?? 0)))),
      ),
    );
    const payment = await audited(server.client, paymentId);
    const capturedAmount = cents(payment.capturedAmount);
    expect(outcomes).to.deep.equal(
      amounts.map((amount) => (amount === capturedAmount ? undefined : 'REQUEST_ID_REUSED')),
    );
    expectInSync(payment);
  });

  it('include only one live payment per order after concurrent authorizations', async () => {
    const orders = Array.from({ length: 12 }, () => uuidv7());
    const requests = orders.flatMap((orderId) =>
      Array.from({ length: 6 }, () => anAuthorization({ orderId })),
    );
    const outcomes = await Promise.all(
      requests.map((request, index) =>
        reasonOf(repeatInDoubt(() => caller(index).authorizePayment(request))),
      ),
    );
    expect(new Set(outcomes)).to.deep.equal(new Set([undefined, illegal]));
    for (const orderId of orders) {
      const { payments } = await server.client.listPayments({ pageSize: 0, pageToken: '', orderId });
      expect(payments).to.have.length(6);
      expect(payments.filter(({ state }) => state === PaymentState.AUTHORIZED)).to.have.length(1);
      for (const { paymentId } of payments) expectInSync(await audited(server.client, paymentId));
    }
  });

  it('may be authorized for an order after the previous payment is declined, voided or refunded in full', async () => {
    const orderId = uuidv7();
    const { client } = server;
    await client.authorizePayment(anAuthorization({ orderId, paymentMethod: 'pm_decline_card_expired' }));
    const voided = await authorized(client, { orderId });
    await client.voidPayment({ paymentId: voided.paymentId });
    const refunded = await captured(client, { orderId });
    await client.refundPayment({ requestId: 'r', paymentId: refunded.paymentId, amount: usd(1) });
    const rejectedRequest = anAuthorization({ orderId });
    expect(await reasonOf(client.authorizePayment(rejectedRequest))).to.equal(illegal);
    await client.refundPayment({ requestId: 'all', paymentId: refunded.paymentId, amount: undefined });
    await authorized(client, { orderId });
    expect(await reasonOf(client.authorizePayment(rejectedRequest))).to.equal(illegal);
    const { payment } = await client.getPayment({
      paymentId: rejectedRequest.paymentId,
      view: PaymentView.BASIC,
    });
    expect(payment).to.deep.include({ orderId, state: PaymentState.VOIDED, authorizedAmount: usd(0) });
  });
});

const illegal = 'ILLEGAL_TRANSITION';

/** Returns the reason of the rejection; undefined if the call succeeds. */
async function reasonOf(call: Promise<unknown>): Promise<Reason | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (isAppError(error)) return error.reason;
    throw error;
  }
}
