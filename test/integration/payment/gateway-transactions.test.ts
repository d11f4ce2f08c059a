import { expect } from 'chai';
import {
  GatewayTransactionKind,
  type GatewayTransaction,
  type ListGatewayTransactionsRequest,
} from '../../../pkg/pb/payment/v1/payment.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { captured, usd } from './requests.js';
import { startPaymentServer, type PaymentTestServer } from './server.js';

describe('ListGatewayTransactions', () => {
  const unknownPayment = uuidv7();
  let server: PaymentTestServer;
  let paymentId: string;

  before(async () => {
    server = await startPaymentServer();
    ({ paymentId } = await captured(server.client));
    await server.client.refundPayment({ requestId: 'r', paymentId, amount: usd(300) });
    const { signal } = new AbortController();
    await server.gateway.authorize({
      key: unknownPayment,
      orderId: uuidv7(),
      amount: { currency: 'USD', minor: 700n },
      method: 'pm_approve',
      signal,
    });
    await server.client.voidPayment({ paymentId: uuidv7() });
  });
  after(() => server.close());

  const list = (request: Partial<ListGatewayTransactionsRequest>) =>
    server.client.listGatewayTransactions({ pageSize: 0, pageToken: '', paymentId: '', ...request });

  async function allPages(pageSize: number): Promise<GatewayTransaction[]> {
    const transactions: GatewayTransaction[] = [];
    let pageToken = '';
    do {
      const page = await list({ pageSize, pageToken });
      expect(page.transactions.length).to.be.at.most(pageSize);
      transactions.push(...page.transactions);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return transactions;
  }

  it('returns each transaction once, oldest first, for different page sizes', async () => {
    for (const pageSize of [1, 2, 5, 1000]) {
      const transactions = await allPages(pageSize);
      expect(transactions.map(({ kind }) => GatewayTransactionKind[kind])).to.deep.equal([
        'AUTHORIZE',
        'CAPTURE',
        'REFUND',
        'AUTHORIZE',
        'VOID',
      ]);
      expect(new Set(transactions.map(({ transactionId }) => transactionId)).size).to.equal(5);
    }
  });

  it('marks a charge whose payment is unknown here', async () => {
    const { transactions } = await list({});
    const unknown = transactions.filter(({ paymentKnown }) => !paymentKnown);
    expect(unknown.map((transaction) => transaction.paymentId)).to.deep.equal([unknownPayment]);
    expect(unknown[0]?.amount).to.deep.equal(usd(700));
  });

  it('has no amount for a void of an unknown authorization', async () => {
    const { transactions } = await list({});
    expect(transactions.at(-1)).to.deep.include({ amount: undefined, paymentKnown: true });
  });

  it('returns only the transactions of the requested payment', async () => {
    const { transactions } = await list({ paymentId });
    expect(transactions.map(({ amount }) => amount)).to.deep.equal([usd(1000), usd(1000), usd(300)]);
  });

  it('rejects a page token of another payment, and an invalid page size', async () => {
    const { nextPageToken: pageToken } = await list({ pageSize: 1 });
    await expectReason(list({ pageToken, paymentId }), 'INVALID_PAGE_TOKEN');
    await expectReason(list({ pageSize: 1001 }), 'VALIDATION_FAILED');
  });
});
