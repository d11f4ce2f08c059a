import { expect } from 'chai';
import { aProduct } from '../../../pkg/catalog/testing/builders.js';
import { money, toWire } from '../../../pkg/money/index.js';
import {
  ProductChangeKind,
  type ListProductChangesRequest,
  type ProductChange,
} from '../../../pkg/pb/catalog/v1/catalog.js';
import { sql } from '../../../pkg/postgres/index.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { expectedPageSizes } from '../../support/page-sizes.js';
import { startCatalogForTest, type TestCatalog } from './server.js';

describe('ListProductChanges', () => {
  let catalog: TestCatalog;
  const first = aProduct({ name: 'Espresso', price: toWire(money('USD', 300)) });
  const repriced = { ...first, price: toWire(money('USD', 350)) };

  before(async () => {
    catalog = await startCatalogForTest();
    const { client } = catalog;
    await client.createProduct({ requestId: 'c', product: first, actor: 'olga', reason: 'new menu' });
    await client.createProduct({ requestId: 'c', product: first, actor: 'paul', reason: 'a repeat' });
    await client.updateProduct({
      requestId: 'u',
      product: repriced,
      updateMask: ['price'],
      actor: 'olga',
      reason: 'higher price of beans',
    });
    await client.createProduct({ requestId: '', product: aProduct() });
    await client.deleteProduct({ requestId: 'd', sku: first.sku, actor: 'paul', reason: 'sold out' });
    await failureOf(client.deleteProduct({ requestId: 'e', sku: first.sku, actor: 'paul' }));
  });
  after(() => catalog.close());

  const pages = async (request: Partial<ListProductChangesRequest> = {}): Promise<ProductChange[][]> => {
    const found: ProductChange[][] = [];
    let pageToken = '';
    do {
      const page = await catalog.client.listProductChanges({ pageSize: 0, sku: '', ...request, pageToken });
      found.push(page.changes);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return found;
  };

  it('returns each change of a product once, oldest first, with its operator and reason', async () => {
    const changes = (await pages({ sku: first.sku })).flat();
    const { sku, name } = first;
    const common = { sku, name };
    expect(changes.map(({ changeId: _id, time: _time, ...change }) => change)).to.deep.equal([
      {
        ...common,
        kind: ProductChangeKind.CREATE,
        revision: 1n,
        price: first.price,
        actor: 'olga',
        reason: 'new menu',
      },
      {
        ...common,
        kind: ProductChangeKind.UPDATE,
        revision: 2n,
        price: repriced.price,
        actor: 'olga',
        reason: 'higher price of beans',
      },
      {
        ...common,
        kind: ProductChangeKind.DELETE,
        revision: 2n,
        price: repriced.price,
        actor: 'paul',
        reason: 'sold out',
      },
    ]);
    expect(changes.every(({ time }) => Math.abs(Date.now() - Number(time)) < 60_000)).to.equal(true);
  });

  it('returns the changes of all products with any page size', async () => {
    for (const pageSize of [1, 3, 4, 5]) {
      const sizes = (await pages({ pageSize })).map(({ length }) => length);
      expect(sizes).to.deep.equal(expectedPageSizes(4, pageSize));
    }
  });

  it('rejects the page token of another product, and notes that are too long', async () => {
    const { client } = catalog;
    const { nextPageToken } = await client.listProductChanges({ pageSize: 1, pageToken: '', sku: '' });
    const request = { pageSize: 1, pageToken: nextPageToken, sku: first.sku };
    await expectReason(client.listProductChanges(request), 'INVALID_PAGE_TOKEN');
    const long = { requestId: '', sku: 'x', actor: 'x'.repeat(129), reason: 'x'.repeat(201) };
    const { fields } = await expectReason(client.deleteProduct(long), 'VALIDATION_FAILED');
    expect(fields?.map(({ field }) => field)).to.deep.equal(['actor', 'reason']);
  });

  it('keeps every change', async () => {
    const forget = sql('test.forget_changes', 'delete from product_changes');
    expect(await failureOf(catalog.db.query(forget()))).to.match(/append-only/);
  });
});
