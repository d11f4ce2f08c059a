import { expect } from 'chai';
import { testMethods } from '../../../pkg/payment/gateway/test-methods.js';
import {
  PaymentResult,
  PaymentState,
  type AuthorizePaymentRequest,
} from '../../../pkg/pb/payment/v1/payment.js';
import { expectReason } from '../../support/expect-reason.js';
import { waitFor } from '../../support/wait-for.js';
import { FirstVersionSaga } from './first-version-saga.js';
import {
  aCapture,
  anAuthorization,
  audited,
  authorized,
  cents,
  expectInSync,
  paymentOf,
} from './requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './server.js';

const { PENDING, ACTION_REQUIRED, AUTHORIZED, EXPIRED, DECLINED } = PaymentState;

describe('a caller that does not list the results of later versions', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;

  before(async () => {
    const env = { PAYMENT_ACTION_DELAY: '1s', PAYMENT_ACTION_TIMEOUT: '300ms', PAYMENT_SLOW_DELAY: '1ms' };
    server = await startPaymentServer(env);
    ({ client } = server);
  });
  after(() => server.close());

  const asBefore = (request: AuthorizePaymentRequest): AuthorizePaymentRequest => ({
    ...request,
    acceptedResults: [],
  });
  const captureAsBefore = (paymentId: string) => ({ ...aCapture(paymentId), acceptedResults: [] });

  for (const paymentMethod of testMethods)
    it(`confirms its order only with the money, and ends without money otherwise (${paymentMethod})`, async () => {
      const request = anAuthorization({ paymentMethod });

      const state = await new FirstVersionSaga(client, request).drive();

      const payment = await audited(client, request.paymentId);
      const paid = cents(payment.capturedAmount) - cents(payment.refundedAmount);
      expect(paid, `money of an order that is ${state}`).to.equal(state === 'CONFIRMED' ? 1000 : 0);
      expect([PENDING, ACTION_REQUIRED, AUTHORIZED]).not.to.include(payment.state);
      if (payment.state !== EXPIRED && payment.state !== DECLINED) expectInSync(payment);
    });

  it('gets PAYMENT_IN_DOUBT with a retry delay until the customer has acted', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_action_required' });
    const error = await expectReason(client.authorizePayment(asBefore(request)), 'PAYMENT_IN_DOUBT');
    expect(error.retryAfterMs).to.be.greaterThan(0);

    // A caller of this version repeats the request, and gets the stored payment.
    const waiting = paymentOf(await client.authorizePayment(request));
    expect(waiting.state).to.equal(ACTION_REQUIRED);
    expect(waiting.action?.url).to.contain(request.paymentId);

    const payment = await waitFor(
      () => client.authorizePayment(asBefore(request)).then(paymentOf, () => undefined),
      'authorization after the action',
    );
    expect(payment.state).to.equal(AUTHORIZED);
  });

  it('gets ILLEGAL_TRANSITION for an authorization whose customer did not act', async () => {
    const request = anAuthorization({ paymentMethod: 'pm_action_expires' });
    await client.authorizePayment(request);
    await waitFor(
      async () => paymentOf(await client.authorizePayment(request)).state === EXPIRED,
      'expired payment',
    );

    const error = await expectReason(client.authorizePayment(asBefore(request)), 'ILLEGAL_TRANSITION');

    expect(error.preconditions.map(({ description }) => description)).to.deep.equal(['is EXPIRED']);
    await expectReason(client.capturePayment(captureAsBefore(request.paymentId)), 'ILLEGAL_TRANSITION');
    expect(paymentOf(await client.authorizePayment(request)).state).to.equal(EXPIRED);
  });

  const captures = {
    pm_authorization_expires: { state: EXPIRED, result: PaymentResult.EXPIRED },
    pm_capture_declined: { state: AUTHORIZED, result: PaymentResult.CAPTURE_DECLINED },
  } as const;
  for (const [paymentMethod, { state, result }] of Object.entries(captures)) {
    it(`gets ILLEGAL_TRANSITION for a capture that fails, and a repetition gets the result (${paymentMethod})`, async () => {
      const { paymentId } = await authorized(client, { paymentMethod });

      await expectReason(client.capturePayment(captureAsBefore(paymentId)), 'ILLEGAL_TRANSITION');

      for (const acceptedResults of [aCapture(paymentId).acceptedResults, [result], [99, result]])
        expect(
          paymentOf(await client.capturePayment({ ...aCapture(paymentId), acceptedResults })).state,
        ).to.equal(state);
    });

    it(`gets ILLEGAL_TRANSITION also after a caller got the result (${paymentMethod})`, async () => {
      const { paymentId } = await authorized(client, { paymentMethod });
      expect(paymentOf(await client.capturePayment(aCapture(paymentId))).state).to.equal(state);

      const others = aCapture(paymentId).acceptedResults.filter((accepted) => accepted !== result);
      for (const acceptedResults of [[], others])
        await expectReason(
          client.capturePayment({ ...aCapture(paymentId), acceptedResults }),
          'ILLEGAL_TRANSITION',
        );
    });
  }
});
