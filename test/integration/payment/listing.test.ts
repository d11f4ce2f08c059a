import { expect } from 'chai';
import type { ListPaymentsRequest, Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { expectReason } from '../../support/expect-reason.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { anAuthorization, paymentOf, repeatInDoubt } from './requests.js';
import { startPaymentServer, type PaymentTestServer } from './server.js';

describe('ListPayments', () => {
  const orderId = uuidv7();
  let server: PaymentTestServer;
  let created: Payment[];

  before(async () => {
    server = await startPaymentServer();
    // An order has at most one live payment, so the payments of the test order are declined.
    // Concurrent calls create some payments in the same millisecond.
    const createDeclined = (): Promise<Payment> => {
      const request = anAuthorization({ orderId, paymentMethod: 'pm_decline_do_not_honor' });
      return repeatInDoubt(() => server.client.authorizePayment(request)).then(paymentOf);
    };
    created = await Promise.all([
      ...Array.from({ length: 25 }, createDeclined),
      ...Array.from({ length: 5 }, () => server.client.authorizePayment(anAuthorization()).then(paymentOf)),
    ]);
  });
  after(() => server.close());

  const list = (request: Partial<ListPaymentsRequest>) =>
    server.client.listPayments({ pageSize: 0, pageToken: '', orderId: '', ...request });

  async function allPages(request: Partial<ListPaymentsRequest>): Promise<Payment[][]> {
    const pages: Payment[][] = [];
    let pageToken = '';
    do {
      const page = await list({ ...request, pageToken });
      pages.push(page.payments);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return pages;
  }

  it('returns each payment once, newest first, for different page sizes', async () => {
    for (const pageSize of [1, 7, 10, 30, 1000]) {
      const pages = await allPages({ pageSize });
      expect(pages.map((page) => page.length)).to.deep.equal(pageLengths(30, pageSize));
      const listed = pages.flat();
      expect(new Set(listed.map(({ paymentId }) => paymentId))).to.have.length(30);
      const times = listed.map(({ createTime }) => createTime?.getTime() ?? 0);
      expect(times).to.deep.equal(times.toSorted((a, b) => b - a));
    }
  });

  it('returns all fields of each payment', async () => {
    const { payments } = await list({ pageSize: 1000 });
    expect(payments).to.have.deep.members(created);
  });

  it('returns only the payments of the requested order', async () => {
    const pages = await allPages({ orderId, pageSize: 10 });
    expect(pages.map((page) => page.length)).to.deep.equal([10, 10, 5]);
    expect(new Set(pages.flat().map((payment) => payment.orderId))).to.deep.equal(new Set([orderId]));
  });

  it('returns an empty page for an order without payments', async () => {
    expect(await list({ orderId: uuidv7() })).to.deep.equal({ payments: [], nextPageToken: '' });
  });

  it('excludes payments that are created between the requests for two pages', async () => {
    const first = await list({ pageSize: 10 });
    const { paymentId } = paymentOf(await server.client.authorizePayment(anAuthorization()));
    const rest = await list({ pageSize: 1000, pageToken: first.nextPageToken });
    const ids = [...first.payments, ...rest.payments].map((payment) => payment.paymentId);
    expect(ids).to.have.length(30);
    expect(ids).not.to.include(paymentId);
  });

  it('rejects an invalid page token, and a page token from a listing of another order', async () => {
    const { nextPageToken } = await list({ pageSize: 1 });
    const orderPage = await list({ pageSize: 1, orderId });
    for (const request of [
      { pageToken: nextPageToken, orderId },
      { pageToken: orderPage.nextPageToken },
      { pageToken: orderPage.nextPageToken, orderId: uuidv7() },
      { pageToken: 'page 2' },
      { pageToken: `${nextPageToken}x`.slice(1) },
    ]) {
      const rejection = await expectReason(list(request), 'INVALID_PAGE_TOKEN');
      expect(rejection.fields.map(({ field }) => field)).to.deep.equal(['page_token']);
    }
  });

  it('rejects negative page sizes and page sizes above 1000', async () => {
    for (const pageSize of [-1, 1001]) {
      const rejection = await expectReason(list({ pageSize }), 'VALIDATION_FAILED');
      expect(rejection.fields.map(({ field }) => field)).to.deep.equal(['page_size']);
    }
  });
});

/** Returns the size of each page in a listing of `total` items. */
function pageLengths(total: number, pageSize: number): number[] {
  return Array.from({ length: Math.ceil(total / pageSize) }, (_, page) =>
    Math.min(pageSize, total - page * pageSize),
  );
}
