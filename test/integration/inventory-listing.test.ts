import { expect } from 'chai';
import { StockView } from '../../pkg/pb/inventory/v1/inventory.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { encodePageToken } from '../../pkg/rpc/index.js';
import { reserve, stockUp } from './inventory-requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './inventory-server.js';

describe('reading stock', () => {
  const names = Array.from({ length: 60 }, (_, index) => `sku-${String(index).padStart(2, '0')}`);
  /** In byte order: upper case before lower case. */
  const inOrder = ['.first', 'UPPER', ...names];
  let server: TestInventory;
  let client: InventoryClient;

  before(async () => {
    server = await startInventoryForTest();
    ({ client } = server);
    await stockUp(client, Object.fromEntries(inOrder.map((sku) => [sku, 5])));
    await reserve(client, { UPPER: 2 });
  });
  after(() => server.close());

  async function pagesOf(pageSize: number): Promise<string[][]> {
    const pages: string[][] = [];
    let pageToken = '';
    do {
      const page = await client.listStock({ pageSize, pageToken });
      pages.push(page.stock.map(({ sku }) => sku));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return pages;
  }

  it('lists every SKU once, page by page, in byte order', async () => {
    const pages = await pagesOf(7);
    expect(pages.flat()).to.deep.equal(inOrder);
    expect(pages.map(({ length }) => length)).to.deep.equal([7, 7, 7, 7, 7, 7, 7, 7, 6]);
  });

  it('ends without an empty page', async () => {
    expect(await pagesOf(31)).to.have.length(2);
    expect(await pagesOf(62)).to.have.length(1);
  });

  it('has fifty SKUs on a page when nothing is said, and a thousand at most', async () => {
    expect((await pagesOf(0))[0]).to.have.length(50);
    expect(await pagesOf(1000)).to.have.length(1);
  });

  it('goes on where it was while SKUs come before and after', async () => {
    const { nextPageToken } = await client.listStock({ pageSize: 3, pageToken: '' });
    await stockUp(client, { '.zeroth': 1, zlast: 1 });
    const { stock } = await client.listStock({ pageSize: 100, pageToken: nextPageToken });
    expect(stock.map(({ sku }) => sku)).to.deep.equal([...names.slice(1), 'zlast']);
  });

  it('refuses tokens that are broken or belong to another listing', async () => {
    const { nextPageToken } = await client.listStock({ pageSize: 1, pageToken: '' });
    const tokens = [
      'nonsense',
      nextPageToken.slice(0, -4),
      encodePageToken(['sku-01'], ['order.v1.OrderService/ListOrders']),
    ];
    for (const pageToken of tokens) {
      const error = await expectReason(client.listStock({ pageSize: 1, pageToken }), 'INVALID_PAGE_TOKEN');
      expect(error.fields.map(({ field }) => field)).to.deep.equal(['page_token']);
    }
  });

  it('answers many SKUs at once, each once, and names those never stocked', async () => {
    const { stock, missingSkus } = await client.batchGetStock({
      skus: ['zz', 'sku-01', 'UPPER', 'sku-01', 'aa'],
      view: StockView.BASIC,
    });
    expect(
      stock.map(({ sku, onHand, reserved, available }) => [sku, onHand, reserved, available]),
    ).to.deep.equal([
      ['UPPER', 5n, 2n, 3n],
      ['sku-01', 5n, 0n, 5n],
    ]);
    expect(missingSkus).to.deep.equal(['aa', 'zz']);
  });

  it('shows the records only to those who ask for an audit', async () => {
    const views = [StockView.UNSPECIFIED, StockView.BASIC, StockView.AUDIT];
    const answers = await Promise.all(views.map((view) => client.getStock({ sku: 'UPPER', view })));
    expect(answers.map(({ stock }) => stock?.audit)).to.deep.equal([
      undefined,
      undefined,
      { movementsSum: 5n, openReservationsSum: 2n, committedSum: 0n },
    ]);
  });

  it('does not find what was never stocked', async () => {
    await expectReason(client.getStock({ sku: 'nothing', view: StockView.BASIC }), 'STOCK_NOT_FOUND');
  });
});
