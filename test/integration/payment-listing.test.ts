import { expect } from 'chai';
import type { ListPaymentsRequest, Payment } from '../../pkg/pb/payment/v1/payment.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import { anAuthorization, paid } from './payment-requests.js';
import { startPaymentServer, type PaymentTestServer } from './payment-server.js';

describe('the list of payments', () => {
  const orderId = uuidv7();
  let server: PaymentTestServer;
  let made: Payment[];

  before(async () => {
    server = await startPaymentServer();
    // Declined, so that one order may have many; at once, so that some are made in the same millisecond.
    const declined = (): Promise<Payment> =>
      server.client
        .authorizePayment(anAuthorization({ orderId, paymentMethod: 'pm_decline_do_not_honor' }))
        .then(paid);
    made = await Promise.all([
      ...Array.from({ length: 25 }, declined),
      ...Array.from({ length: 5 }, () => server.client.authorizePayment(anAuthorization()).then(paid)),
    ]);
  });
  after(() => server.close());

  const list = (request: Partial<ListPaymentsRequest>) =>
    server.client.listPayments({ pageSize: 0, pageToken: '', orderId: '', ...request });

  /** Every page, following the tokens. */
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

  it('has each payment once, newest first, whatever the page size', async () => {
    for (const pageSize of [1, 7, 10, 30, 1000]) {
      const pages = await allPages({ pageSize });
      expect(pages.map((page) => page.length)).to.deep.equal(sizes(30, pageSize));
      const listed = pages.flat();
      expect(new Set(listed.map(({ paymentId }) => paymentId))).to.have.length(30);
      const times = listed.map(({ createTime }) => createTime?.getTime() ?? 0);
      expect(times).to.deep.equal(times.toSorted((a, b) => b - a));
    }
  });

  it('has the payments as they are', async () => {
    const { payments } = await list({ pageSize: 1000 });
    expect(payments).to.have.deep.members(made);
  });

  it('can be of one order', async () => {
    const pages = await allPages({ orderId, pageSize: 10 });
    expect(pages.map((page) => page.length)).to.deep.equal([10, 10, 5]);
    expect(new Set(pages.flat().map((payment) => payment.orderId))).to.deep.equal(new Set([orderId]));
  });

  it('is empty for an order without payments', async () => {
    expect(await list({ orderId: uuidv7() })).to.deep.equal({ payments: [], nextPageToken: '' });
  });

  it('does not shift when payments are made between two pages', async () => {
    const first = await list({ pageSize: 10 });
    const { paymentId } = paid(await server.client.authorizePayment(anAuthorization()));
    const rest = await list({ pageSize: 1000, pageToken: first.nextPageToken });
    const ids = [...first.payments, ...rest.payments].map((payment) => payment.paymentId);
    expect(ids).to.have.length(30);
    expect(ids).not.to.include(paymentId);
  });

  it('refuses a token of another listing, and what is no token', async () => {
    const { nextPageToken } = await list({ pageSize: 1 });
    const ofOrder = await list({ pageSize: 1, orderId });
    for (const request of [
      { pageToken: nextPageToken, orderId },
      { pageToken: ofOrder.nextPageToken },
      { pageToken: ofOrder.nextPageToken, orderId: uuidv7() },
      { pageToken: 'page 2' },
      { pageToken: `${nextPageToken}x`.slice(1) },
    ]) {
      const refusal = await expectReason(list(request), 'INVALID_PAGE_TOKEN');
      expect(refusal.fields.map(({ field }) => field)).to.deep.equal(['page_token']);
    }
  });

  it('refuses pages that are too large or negative', async () => {
    for (const pageSize of [-1, 1001]) {
      const refusal = await expectReason(list({ pageSize }), 'VALIDATION_FAILED');
      expect(refusal.fields.map(({ field }) => field)).to.deep.equal(['page_size']);
    }
  });
});

/** Sizes of the pages of `total` items. */
function sizes(total: number, pageSize: number): number[] {
  return Array.from({ length: Math.ceil(total / pageSize) }, (_, page) =>
    Math.min(pageSize, total - page * pageSize),
  );
}
