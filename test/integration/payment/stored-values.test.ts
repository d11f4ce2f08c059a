import { expect } from 'chai';
import { testMethods } from '../../../pkg/payment/gateway/test-methods.js';
import { isAppError } from '../../../pkg/errors/index.js';
import { PaymentState } from '../../../pkg/pb/payment/v1/payment.js';
import { sql } from '../../../pkg/postgres/index.js';
import { waitFor } from '../../support/wait-for.js';
import { aCapture, anAuthorization, audited, paymentOf, repeatInDoubt } from './requests.js';
import { startPaymentServer, type PaymentTestServer } from './server.js';

const readValues = sql(
  'test.read_stored_values',
  `select p.state, p.decline_code, r.state as refund_state, r.refusal
   from payments p left join refunds r on r.payment_id = p.id where p.id = $paymentId`,
);

/** Values that the earlier version reads. It fails on other states, and its process ends on other refusals. */
const readable = {
  state: ['AUTHORIZED', 'CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED', 'VOIDED', 'DECLINED'],
  refund_state: [null, 'PENDING', 'SUCCEEDED', 'REFUSED'],
  refusal: [null, 'PAYMENT_NOT_FOUND', 'ILLEGAL_TRANSITION', 'REFUND_EXCEEDS_CAPTURE'],
} as const;

const { PENDING, ACTION_REQUIRED } = PaymentState;

describe('the stored values of a payment with a final answer', () => {
  let server: PaymentTestServer;
  before(async () => {
    const env = { PAYMENT_ACTION_DELAY: '50ms', PAYMENT_ACTION_TIMEOUT: '50ms', PAYMENT_SLOW_DELAY: '1ms' };
    server = await startPaymentServer(env);
  });
  after(() => server.close());

  /** Authorizes, captures and refunds, as far as the gateway allows. */
  const finish = async (paymentMethod: string): Promise<string> => {
    const { client } = server;
    const request = anAuthorization({ paymentMethod });
    const { paymentId } = request;
    await waitFor(async () => {
      const { state } = paymentOf(await repeatInDoubt(() => client.authorizePayment(request)));
      return state !== PENDING && state !== ACTION_REQUIRED;
    }, 'final answer to the authorization');
    const refund = { requestId: 'refund', paymentId, amount: undefined };
    await repeatInDoubt(() => client.capturePayment(aCapture(paymentId))).catch(ignoreRefusal);
    await repeatInDoubt(() => client.refundPayment(refund)).catch(ignoreRefusal);
    return paymentId;
  };

  for (const method of testMethods)
    it(`can be read by the earlier version (${method})`, async () => {
      const paymentId = await finish(method);
      const rows = await server.db.query<Record<keyof typeof readable, string | null>>(
        readValues({ paymentId }),
      );
      expect(rows).to.have.lengthOf(1);
      for (const [column, values] of Object.entries(readable))
        expect(values, column).to.include(rows[0]?.[column as keyof typeof readable]);
    });

  it('do not change what this version answers', async () => {
    const expired = await audited(server.client, await finish('pm_authorization_expires'));
    expect(expired.state).to.equal(PaymentState.EXPIRED);
    const paymentId = await finish('pm_refund_declined');
    const repeated = server.client.refundPayment({ requestId: 'refund', paymentId, amount: undefined });
    expect(await repeated.catch((error: unknown) => isAppError(error, 'REFUND_DECLINED'))).to.equal(true);
  });
});

function ignoreRefusal(error: unknown): void {
  if (!isAppError(error)) throw error;
}
