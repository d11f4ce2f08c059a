import { expect } from 'chai';
import { sql } from '../../../pkg/postgres/index.js';
import { medianMs } from '../../support/median-ms.js';
import { aCapture, anAuthorization, usd } from './requests.js';
import { startPaymentServer, type PaymentTestServer } from './server.js';

describe('a plan of the payment service that was made for an empty table', () => {
  const insertVoided = sql(
    'test.insert_voided',
    `with made as (
       insert into payments (id, state) select gen_random_uuid(), 'VOIDED' from generate_series(1, 100000) returning id
     )
     insert into gateway_charges (charge_key, voided) select id, true from made`,
  );
  let server: PaymentTestServer;

  before(async () => {
    server = await startPaymentServer();
  });
  after(() => server.close());

  it('authorizes, captures, refunds and voids as fast when the table has grown', async () => {
    const { client } = server;
    const pay = async (): Promise<void> => {
      const request = anAuthorization();
      await client.authorizePayment(request);
      await client.capturePayment(aCapture(request.paymentId));
      await client.refundPayment({ requestId: 'a', paymentId: request.paymentId, amount: usd(1) });
      const voided = anAuthorization();
      await client.authorizePayment(voided);
      await client.voidPayment({ paymentId: voided.paymentId });
    };
    const before = await medianMs(pay);
    await server.db.query(insertVoided());
    expect(await medianMs(pay)).to.be.lessThan(3 * before);
  });
});
