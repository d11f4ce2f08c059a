import { expect } from 'chai';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { aCapture, anAuthorization } from './requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './server.js';

const capturesOf = sql(
  'test.captures_of_payment',
  `select actor, reason from payment_ledger where payment_id = $paymentId and kind = 'CAPTURE'`,
);

describe('the capture of an operator', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;

  before(async () => {
    server = await startPaymentServer();
    ({ client } = server);
  });
  after(() => server.close());

  const authorize = async (): Promise<string> => {
    const paymentId = uuidv7();
    await client.authorizePayment(anAuthorization({ paymentId }));
    return paymentId;
  };
  const note = { actor: 'grace', reason: 'the goods were sent' };
  const none = { actor: null, reason: null };

  it('has its actor and reason in the ledger, and a repetition with others changes nothing', async () => {
    const paymentId = await authorize();
    await client.capturePayment({ ...aCapture(paymentId), ...note });
    await client.capturePayment({ ...aCapture(paymentId), actor: 'ada', reason: 'again' });
    expect(await server.db.query(capturesOf({ paymentId }))).to.deep.equal([note]);
  });

  it('keeps its actor and reason beside captures of services in the same batch', async () => {
    const ids = await Promise.all([authorize(), authorize(), authorize()]);
    await Promise.all(
      ids.map((id, index) => client.capturePayment({ ...aCapture(id), ...(index === 1 ? note : {}) })),
    );
    const captures = await Promise.all(ids.map((paymentId) => server.db.query(capturesOf({ paymentId }))));
    expect(captures).to.deep.equal([[none], [note], [none]]);
  });

  it('is rejected if its actor or reason is too long', async () => {
    const paymentId = await authorize();
    for (const long of [{ actor: 'a'.repeat(129) }, { reason: 'r'.repeat(201) }])
      await expectReason(client.capturePayment({ ...aCapture(paymentId), ...long }), 'VALIDATION_FAILED');
  });
});
