import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { PaymentView } from '../../pkg/pb/payment/v1/payment.js';
import { sql } from '../../pkg/postgres/index.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import { anAuthorization, captured, usd } from './payment-requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './payment-server.js';

const countRows = sql(
  'test.count_payment_rows',
  `select (select count(*) from payments) as payments, (select count(*) from refunds) as refunds,
     (select count(*) from payment_ledger) as entries, (select count(*) from gateway_charges) as charges`,
);

describe('a bad request', () => {
  let server: PaymentTestServer;
  let client: PaymentClient;
  let paymentId: string;

  before(async () => {
    server = await startPaymentServer();
    ({ client } = server);
    ({ paymentId } = await captured(client));
  });
  after(() => server.close());

  const badIds = {
    'no id': '',
    'an id that is no UUID': 'order-1',
    'an upper-case UUID': '0190F3D0-0000-7000-8000-00000000000A',
    'an id of great length': 'x'.repeat(10_000),
    'an id with NUL': '0190f3d0-0000-7000-8000-00000000000\0',
  };
  const badAmounts = {
    zero: usd(0),
    'a negative amount': usd(-1),
    'an amount over the limit': usd(9_007_199_254_740_992n),
    'an amount over int64 minor units': { currencyCode: 'USD', units: 9_223_372_036_854_775_807n, nanos: 0 },
    'an unknown currency': { currencyCode: 'XXX', units: 1n, nanos: 0 },
    'no currency': { currencyCode: '', units: 1n, nanos: 0 },
    'a fraction of a cent': { currencyCode: 'USD', units: 1n, nanos: 1 },
    'a fraction of a yen': { currencyCode: 'JPY', units: 1n, nanos: 500_000_000 },
    'signs that differ': { currencyCode: 'USD', units: 1n, nanos: -10_000_000 },
    'too many nanos': { currencyCode: 'USD', units: 1n, nanos: 1_000_000_000 },
  };
  const badMethods = {
    'no payment method': '',
    'a card number': '4242424242424242',
    'a card number in a token': 'pm_4242424242424242',
    'a card number in groups': 'pm_4242_4242_4242_4242',
    'an upper-case token': 'pm_APPROVE',
    'a token of nothing': 'pm_',
    'a token that is too long': `pm_${'a'.repeat(62)}`,
    'a token with NUL': 'pm_approve\0',
  };

  for (const [what, id] of Object.entries(badIds)) {
    refuses(`${what} to authorize`, ['payment_id'], () =>
      client.authorizePayment(anAuthorization({ paymentId: id })),
    );
    refuses(`${what} of the order`, ['order_id'], () =>
      client.authorizePayment(anAuthorization({ orderId: id })),
    );
    refuses(`${what} to capture`, ['payment_id'], () =>
      client.capturePayment({ paymentId: id, amount: undefined }),
    );
    refuses(`${what} to void`, ['payment_id'], () => client.voidPayment({ paymentId: id }));
    refuses(`${what} to refund`, ['payment_id'], () =>
      client.refundPayment({ requestId: '', paymentId: id, amount: undefined }),
    );
    refuses(`${what} to get`, ['payment_id'], () =>
      client.getPayment({ paymentId: id, view: PaymentView.BASIC }),
    );
    if (id !== '')
      refuses(`${what} to list by`, ['order_id'], () =>
        client.listPayments({ pageSize: 0, pageToken: '', orderId: id }),
      );
  }
  refuses('no amount to authorize', ['amount'], () =>
    client.authorizePayment(anAuthorization({ amount: undefined })),
  );
  for (const [what, amount] of Object.entries(badAmounts)) {
    refuses(`${what} to authorize`, ['amount'], () => client.authorizePayment(anAuthorization({ amount })));
    refuses(`${what} to capture`, ['amount'], () => client.capturePayment({ paymentId, amount }));
    refuses(`${what} to refund`, ['amount'], () =>
      client.refundPayment({ requestId: 'r', paymentId, amount }),
    );
  }
  for (const [what, paymentMethod] of Object.entries(badMethods)) {
    refuses(what, ['payment_method'], () => client.authorizePayment(anAuthorization({ paymentMethod })));
  }
  refuses('a request_id that is too long', ['request_id'], () =>
    client.refundPayment({ requestId: 'r'.repeat(129), paymentId, amount: usd(1) }),
  );
  refuses('a request_id with NUL', ['request_id'], () =>
    client.refundPayment({ requestId: 'r\0', paymentId, amount: usd(1) }),
  );
  refuses('a view that does not exist', ['view'], () =>
    client.getPayment({ paymentId, view: PaymentView.UNRECOGNIZED }),
  );
  refuses('everything that is wrong at once', ['payment_id', 'order_id', 'amount', 'payment_method'], () =>
    client.authorizePayment({ paymentId: '', orderId: '', amount: undefined, paymentMethod: '' }),
  );

  it('in another currency than the payment is refused with the currency it should have', async () => {
    const before = await server.db.query(countRows);
    const amount = { currencyCode: 'JPY', units: 1n, nanos: 0 };
    const refusal = await expectReason(
      client.refundPayment({ requestId: 'r', paymentId, amount }),
      'CURRENCY_MISMATCH',
    );
    expect(refusal.fields).to.deep.equal([{ field: 'amount.currency_code', description: 'must be USD' }]);
    expect(refusal.cause).to.have.property('code', Status.INVALID_ARGUMENT);
    expect(await server.db.query(countRows)).to.deep.equal(before);
  });

  it('does not use up its key', async () => {
    const request = { requestId: 'kept', paymentId, amount: usd(-1) };
    await expectReason(client.refundPayment(request), 'VALIDATION_FAILED');
    await client.refundPayment({ ...request, amount: usd(1) });
  });

  it('for an id that nobody uses leaves nothing when it only reads', async () => {
    const before = await server.db.query(countRows);
    await expectReason(
      client.getPayment({ paymentId: uuidv7(), view: PaymentView.AUDIT }),
      'PAYMENT_NOT_FOUND',
    );
    await expectReason(
      client.capturePayment({ paymentId: uuidv7(), amount: undefined }),
      'PAYMENT_NOT_FOUND',
    );
    expect(await server.db.query(countRows)).to.deep.equal(before);
  });

  function refuses(what: string, fields: readonly string[], call: () => Promise<unknown>): void {
    it(`with ${what} is refused, and nothing is stored`, async () => {
      const before = await server.db.query(countRows);
      const refusal = await expectReason(call(), 'VALIDATION_FAILED');
      expect(refusal.fields.map(({ field }) => field)).to.deep.equal(fields);
      expect(refusal.cause).to.have.property('code', Status.INVALID_ARGUMENT);
      expect(await server.db.query(countRows)).to.deep.equal(before);
    });
  }
});
