import { expect } from 'chai';
import { StockView } from '../../../pkg/pb/inventory/v1/inventory.js';
import { expectReason } from '../../support/expect-reason.js';
import { encodePageToken } from '../../../pkg/rpc/index.js';
import { reserve, addStock } from './requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './server.js';

describe('stock queries', () => {
  const names = Array.from({ length: 60 }, (_, index) => `sku-${String(index).padStart(2, '0')}`);
  /** SKUs sorted by bytes: upper case before lower case. */
  const sortedSkus = ['.first', 'UPPER', ...names];
  let server: TestInventory;
  let client: InventoryClient;

  before(async () => {
    server = await startInventoryForTest();
    ({ client } = server);
    await addStock(client, Object.fromEntries(sortedSkus.map((sku) => [sku, 5])));
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

  it('list every SKU once, sorted by bytes', async () => {
    const pages = await pagesOf(7);
    expect(pages.flat()).to.deep.equal(sortedSkus);
    expect(pages.map(({ length }) => length)).to.deep.equal([7, 7, 7, 7, 7, 7, 7, 7, 6]);
  });

  it('list no empty page at the end', async () => {
    expect(await pagesOf(31)).to.have.length(2);
    expect(await pagesOf(62)).to.have.length(1);
  });

  it('list 50 SKUs per page by default, and up to 1000', async () => {
    expect((await pagesOf(0))[0]).to.have.length(50);
    expect(await pagesOf(1000)).to.have.length(1);
  });

  it('continue after the last SKU of the previous page when SKUs are inserted', async () => {
    const { nextPageToken } = await client.listStock({ pageSize: 3, pageToken: '' });
    await addStock(client, { '.zeroth': 1, zlast: 1 });
    const { stock } = await client.listStock({ pageSize: 100, pageToken: nextPageToken });
    expect(stock.map(({ sku }) => sku)).to.deep.equal([...names.slice(1), 'zlast']);
  });

  it('reject malformed page tokens and page tokens of other listings', async () => {
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

  it('return each SKU of a batch once, and name the SKUs that were never stocked', async () => {
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

  it('return the audit only in the AUDIT view', async () => {
    const views = [StockView.UNSPECIFIED, StockView.BASIC, StockView.AUDIT];
    const responses = await Promise.all(views.map((view) => client.getStock({ sku: 'UPPER', view })));
    expect(responses.map(({ stock }) => stock?.audit)).to.deep.equal([
      undefined,
      undefined,
      { movementsSum: 5n, openReservationsSum: 2n, committedSum: 0n },
    ]);
  });

  it('fail with STOCK_NOT_FOUND for a SKU that was never stocked', async () => {
    await expectReason(client.getStock({ sku: 'nothing', view: StockView.BASIC }), 'STOCK_NOT_FOUND');
  });
});
