import { expect } from 'chai';
import { AppError } from '../errors/index.js';
import { PaymentView } from '../pb/payment/v1/payment.js';
import { encodePageToken } from '../rpc/index.js';
import { parseAuthorize, parseCapture, parseGet, parseList, parseRefund } from './grpc-parse.js';

const paymentId = '0190f3d0-0000-7000-8000-000000000001';
const orderId = '0190f3d0-0000-7000-8000-000000000002';
const amount = { currencyCode: 'USD', units: 12n, nanos: 500_000_000 };

function rejectionOf(parse: () => unknown): AppError {
  try {
    parse();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('expected a rejection');
}

describe('parseAuthorize', () => {
  const request = { paymentId, orderId, amount, paymentMethod: 'pm_approve', acceptedResults: [] };

  it('converts the amount to minor units', () => {
    expect(parseAuthorize(request).authorization).to.deep.equal({
      paymentId,
      orderId,
      amount: { currency: 'USD', minor: 1250n },
      method: 'pm_approve',
    });
  });

  it('names every invalid field and does not quote the payment method', () => {
    const rejection = rejectionOf(() =>
      parseAuthorize({
        paymentId: '',
        orderId: 'x',
        amount: undefined,
        paymentMethod: 'pm_4242424242424242',
        acceptedResults: [],
      }),
    );
    expect(rejection.fields.map(({ field }) => field)).to.deep.equal([
      'payment_id',
      'order_id',
      'amount',
      'payment_method',
    ]);
    expect(JSON.stringify([rejection.message, rejection.fields])).not.to.contain('4242');
  });
});

describe('parsers of other payment requests', () => {
  it('accept a capture without an amount', () => {
    expect(parseCapture({ paymentId, amount: undefined, acceptedResults: [] })).to.deep.include({
      paymentId,
      amount: undefined,
    });
  });

  it('generate the request_id of a refund without a request_id', () => {
    const parse = parseRefund(() => 'generated');
    expect(parse({ requestId: '', paymentId, amount: undefined }).requestId).to.equal('generated');
    expect(parse({ requestId: 'given', paymentId, amount: undefined }).requestId).to.equal('given');
  });

  it('accept the audit view and reject an unknown view', () => {
    expect(parseGet({ paymentId, view: PaymentView.AUDIT }).withAudit).to.equal(true);
    expect(parseGet({ paymentId, view: PaymentView.UNSPECIFIED }).withAudit).to.equal(false);
    expect(
      rejectionOf(() => parseGet({ paymentId, view: PaymentView.UNRECOGNIZED })).fields[0]?.field,
    ).to.equal('view');
  });

  it('decode a page token', () => {
    const key = ['2024-05-01T10:00:00.123Z', paymentId];
    const page = parseList({ pageSize: 0, pageToken: encodePageToken(key, [orderId]), orderId });
    const after = { createdAt: new Date('2024-05-01T10:00:00.123Z'), id: paymentId };
    expect(page).to.deep.equal({ orderId, after, size: 50 });
  });

  for (const [label, key] of Object.entries({
    'a time': ['yesterday', paymentId],
    'a time in the range of the database': ['+275760-09-13T00:00:00.000Z', paymentId],
    'an id': ['2024-05-01T10:00:00.123Z', 'first'],
  })) {
    it(`reject a forged page token without ${label}`, () => {
      const pageToken = encodePageToken(key, ['']);
      const rejection = rejectionOf(() => parseList({ pageSize: 0, pageToken, orderId: '' }));
      expect(rejection.reason).to.equal('INVALID_PAGE_TOKEN');
    });
  }
});
