import { status as Status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { PaymentView } from '../../../pkg/pb/payment/v1/payment.js';
import { sql } from '../../../pkg/postgres/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { aCapture, anAuthorization, captured, usd } from './requests.js';
import { startPaymentServer, type PaymentClient, type PaymentTestServer } from './server.js';

const countRows = sql(
  'test.count_payment_rows',
  `select (select count(*) from payments) as payments, (select count(*) from refunds) as refunds,
     (select count(*) from payment_ledger) as entries, (select count(*) from gateway_charges) as charges`,
);

describe('payment request validation', () => {
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
    'an id that is not a UUID': 'order-1',
    'an upper-case UUID': '0190F3D0-0000-7000-8000-00000000000A',
    'a very long id': 'x'.repeat(10_000),
    'an id with NUL': '0190f3d0-0000-7000-8000-00000000000\0',
  };
  const badAmounts = {
    'an amount of zero': usd(0),
    'a negative amount': usd(-1),
    'an amount over the limit': usd(9_007_199_254_740_992n),
    'an amount whose minor units exceed int64': {
      currencyCode: 'USD',
      units: 9_223_372_036_854_775_807n,
      nanos: 0,
    },
    'an amount in an unknown currency': { currencyCode: 'XXX', units: 1n, nanos: 0 },
    'an amount without a currency': { currencyCode: '', units: 1n, nanos: 0 },
    'an amount with a fraction of a cent': { currencyCode: 'USD', units: 1n, nanos: 1 },
    'an amount with a fraction of a yen': { currencyCode: 'JPY', units: 1n, nanos: 500_000_000 },
    'an amount whose units and nanos have different signs': {
      currencyCode: 'USD',
      units: 1n,
      nanos: -10_000_000,
    },
    'an amount with too many nanos': { currencyCode: 'USD', units: 1n, nanos: 1_000_000_000 },
  };
  const badMethods = {
    'no payment method': '',
    'a card number': '4242424242424242',
    'a card number in a token': 'pm_4242424242424242',
    'a card number in groups': 'pm_4242_4242_4242_4242',
    'an upper-case token': 'pm_APPROVE',
    'an empty token': 'pm_',
    'a token that is too long': `pm_${'a'.repeat(62)}`,
    'a token with NUL': 'pm_approve\0',
  };

  for (const [label, id] of Object.entries(badIds)) {
    rejects(`AuthorizePayment with ${label}`, ['payment_id'], () =>
      client.authorizePayment(anAuthorization({ paymentId: id })),
    );
    rejects(`AuthorizePayment with ${label} as order_id`, ['order_id'], () =>
      client.authorizePayment(anAuthorization({ orderId: id })),
    );
    rejects(`CapturePayment with ${label}`, ['payment_id'], () => client.capturePayment(aCapture(id)));
    rejects(`VoidPayment with ${label}`, ['payment_id'], () => client.voidPayment({ paymentId: id }));
    rejects(`RefundPayment with ${label}`, ['payment_id'], () =>
      client.refundPayment({ requestId: '', paymentId: id, amount: undefined }),
    );
    rejects(`GetPayment with ${label}`, ['payment_id'], () =>
      client.getPayment({ paymentId: id, view: PaymentView.BASIC }),
    );
    if (id !== '')
      rejects(`ListPayments with ${label} as order_id`, ['order_id'], () =>
        client.listPayments({ pageSize: 0, pageToken: '', orderId: id }),
      );
  }
  rejects('AuthorizePayment without an amount', ['amount'], () =>
    client.authorizePayment(anAuthorization({ amount: undefined })),
  );
  for (const [label, amount] of Object.entries(badAmounts)) {
    rejects(`AuthorizePayment with ${label}`, ['amount'], () =>
      client.authorizePayment(anAuthorization({ amount })),
    );
    rejects(`CapturePayment with ${label}`, ['amount'], () =>
      client.capturePayment(aCapture(paymentId, amount)),
    );
    rejects(`RefundPayment with ${label}`, ['amount'], () =>
      client.refundPayment({ requestId: 'r', paymentId, amount }),
    );
  }
  for (const [label, paymentMethod] of Object.entries(badMethods)) {
    rejects(`AuthorizePayment with ${label}`, ['payment_method'], () =>
      client.authorizePayment(anAuthorization({ paymentMethod })),
    );
  }
  rejects('RefundPayment with a request_id that is too long', ['request_id'], () =>
    client.refundPayment({ requestId: 'r'.repeat(129), paymentId, amount: usd(1) }),
  );
  rejects('RefundPayment with NUL in request_id', ['request_id'], () =>
    client.refundPayment({ requestId: 'r\0', paymentId, amount: usd(1) }),
  );
  rejects('GetPayment with an unknown view', ['view'], () =>
    client.getPayment({ paymentId, view: PaymentView.UNRECOGNIZED }),
  );
  rejects(
    'AuthorizePayment with several invalid fields',
    ['payment_id', 'order_id', 'amount', 'payment_method'],
    () =>
      client.authorizePayment(
        anAuthorization({ paymentId: '', orderId: '', amount: undefined, paymentMethod: '' }),
      ),
  );

  it('rejects RefundPayment in another currency and names the currency of the payment', async () => {
    const before = await server.db.query(countRows());
    const amount = { currencyCode: 'JPY', units: 1n, nanos: 0 };
    const rejection = await expectReason(
      client.refundPayment({ requestId: 'r', paymentId, amount }),
      'CURRENCY_MISMATCH',
    );
    expect(rejection.fields).to.deep.equal([{ field: 'amount.currency_code', description: 'must be USD' }]);
    expect(rejection.cause).to.have.property('code', Status.INVALID_ARGUMENT);
    expect(await server.db.query(countRows())).to.deep.equal(before);
  });

  it('does not store the idempotency key of an invalid request', async () => {
    const request = { requestId: 'kept', paymentId, amount: usd(-1) };
    await expectReason(client.refundPayment(request), 'VALIDATION_FAILED');
    await client.refundPayment({ ...request, amount: usd(1) });
  });

  it('stores no row when GetPayment or CapturePayment names an unknown payment', async () => {
    const before = await server.db.query(countRows());
    await expectReason(
      client.getPayment({ paymentId: uuidv7(), view: PaymentView.AUDIT }),
      'PAYMENT_NOT_FOUND',
    );
    await expectReason(client.capturePayment(aCapture(uuidv7())), 'PAYMENT_NOT_FOUND');
    expect(await server.db.query(countRows())).to.deep.equal(before);
  });

  function rejects(label: string, fields: readonly string[], call: () => Promise<unknown>): void {
    it(`rejects ${label} without an effect`, async () => {
      const before = await server.db.query(countRows());
      const rejection = await expectReason(call(), 'VALIDATION_FAILED');
      expect(rejection.fields.map(({ field }) => field)).to.deep.equal(fields);
      expect(rejection.cause).to.have.property('code', Status.INVALID_ARGUMENT);
      expect(await server.db.query(countRows())).to.deep.equal(before);
    });
  }
});
