import { expect } from 'chai';
import { AppError } from '../errors/index.js';
import { PaymentView } from '../pb/payment/v1/payment.js';
import { encodePageToken } from '../rpc/index.js';
import { parseAuthorize, parseCapture, parseGet, parseList, parseRefund } from './grpc-parse.js';

const paymentId = '0190f3d0-0000-7000-8000-000000000001';
const orderId = '0190f3d0-0000-7000-8000-000000000002';
const amount = { currencyCode: 'USD', units: 12n, nanos: 500_000_000 };

function refusalOf(parse: () => unknown): AppError {
  try {
    parse();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe('reading a request to authorize', () => {
  const request = { paymentId, orderId, amount, paymentMethod: 'pm_approve' };

  it('yields minor units', () => {
    expect(parseAuthorize(request)).to.deep.equal({
      paymentId,
      orderId,
      amount: { currency: 'USD', minor: 1250n },
      method: 'pm_approve',
    });
  });

  it('names every field that is wrong, and never the payment method', () => {
    const refusal = refusalOf(() =>
      parseAuthorize({
        paymentId: '',
        orderId: 'x',
        amount: undefined,
        paymentMethod: 'pm_4242424242424242',
      }),
    );
    expect(refusal.fields.map(({ field }) => field)).to.deep.equal([
      'payment_id',
      'order_id',
      'amount',
      'payment_method',
    ]);
    expect(JSON.stringify([refusal.message, refusal.fields])).not.to.contain('4242');
  });
});

describe('reading other requests', () => {
  it('leaves an unset amount to the payment', () => {
    expect(parseCapture({ paymentId, amount: undefined })).to.deep.equal({ paymentId, amount: undefined });
  });

  it('gives a refund without request_id one of its own', () => {
    const parse = parseRefund(() => 'made-here');
    expect(parse({ requestId: '', paymentId, amount: undefined }).requestId).to.equal('made-here');
    expect(parse({ requestId: 'mine', paymentId, amount: undefined }).requestId).to.equal('mine');
  });

  it('takes the audit view, and no view that does not exist', () => {
    expect(parseGet({ paymentId, view: PaymentView.AUDIT }).withAudit).to.equal(true);
    expect(parseGet({ paymentId, view: PaymentView.UNSPECIFIED }).withAudit).to.equal(false);
    expect(
      refusalOf(() => parseGet({ paymentId, view: PaymentView.UNRECOGNIZED })).fields[0]?.field,
    ).to.equal('view');
  });

  it('reads the page after a payment', () => {
    const key = ['2024-05-01T10:00:00.123Z', paymentId];
    const page = parseList({ pageSize: 0, pageToken: encodePageToken(key, [orderId]), orderId });
    const after = { createdAt: new Date('2024-05-01T10:00:00.123Z'), id: paymentId };
    expect(page).to.deep.equal({ orderId, after, size: 50 });
  });

  for (const [what, key] of Object.entries({
    'a time': ['yesterday', paymentId],
    'a time that can be stored': ['+275760-09-13T00:00:00.000Z', paymentId],
    'an id': ['2024-05-01T10:00:00.123Z', 'first'],
  })) {
    it(`refuses a forged page token without ${what}`, () => {
      const pageToken = encodePageToken(key, ['']);
      const refusal = refusalOf(() => parseList({ pageSize: 0, pageToken, orderId: '' }));
      expect(refusal.reason).to.equal('INVALID_PAGE_TOKEN');
    });
  }
});
