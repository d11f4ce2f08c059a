import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { aProduct } from '../../pkg/catalog/testing/builders.js';
import { money, toWire } from '../../pkg/money/index.js';
import type { Product } from '../../pkg/pb/catalog/v1/catalog.js';
import { dumpSchema } from '../../pkg/postgres/index.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { startCatalogForTest, type TestCatalog } from './catalog-server.js';

describe('products', () => {
  let catalog: TestCatalog;

  before(async () => {
    catalog = await startCatalogForTest();
  });
  after(() => catalog.close());

  const create = async (given: Partial<Product> = {}): Promise<Product> => {
    const { product } = await catalog.client.createProduct({ requestId: '', product: aProduct(given) });
    return product ?? expect.fail('no product');
  };
  const get = async (sku: string): Promise<Product | undefined> =>
    (await catalog.client.getProduct({ sku })).product;

  it('come back as they were created, at revision 1', async () => {
    const wanted = aProduct({ price: toWire(money('JPY', 980)) });
    const created = await create(wanted);
    const { createTime, updateTime, ...product } = created;
    expect(product).to.deep.equal({
      sku: wanted.sku,
      name: wanted.name,
      description: wanted.description,
      price: { currencyCode: 'JPY', units: 980n, nanos: 0 },
      revision: 1n,
    });
    expect(createTime).to.be.an.instanceOf(Date);
    expect(updateTime).to.deep.equal(createTime);
    expect(await get(wanted.sku)).to.deep.equal(created);
  });

  it('cost anything from one minor unit to the most that is exact everywhere', async () => {
    for (const [currency, minor] of [
      ['USD', 1n],
      ['JPY', 9_007_199_254_740_991n],
      ['BHD', 9_007_199_254_740_991n],
    ] as const) {
      const price = toWire(money(currency, minor));
      const { sku } = await create({ price });
      expect((await get(sku))?.price).to.deep.equal(price);
    }
  });

  it('may have the longest texts allowed, and any characters', async () => {
    const texts = { name: 'é'.repeat(200), description: `${'日'.repeat(1998)}😀` };
    const { sku } = await create(texts);
    expect(await get(sku)).to.deep.include(texts);
  });

  it('need a SKU of their own', async () => {
    const { sku } = await create();
    const again = catalog.client.createProduct({ requestId: '', product: aProduct({ sku }) });
    const error = await expectReason(again, 'PRODUCT_ALREADY_EXISTS');
    expect(error.metadata).to.deep.equal({ sku });
    await create({ sku: sku.toUpperCase() });
  });

  it('change in the fields that the mask names, and only in those', async () => {
    const before = await create();
    const changes = aProduct({ sku: before.sku, name: 'Ristretto', price: toWire(money('EUR', 1)) });
    const answer = await catalog.client.updateProduct({
      requestId: '',
      product: changes,
      updateMask: ['name'],
    });
    const expected = { ...before, name: 'Ristretto', revision: 2n, updateTime: answer.product?.updateTime };
    expect(answer.product).to.deep.equal(expected);
    expect(await get(before.sku)).to.deep.equal(expected);
    expect(answer.product?.updateTime?.getTime()).to.be.at.least(before.createTime?.getTime() ?? Infinity);
  });

  it('change in name, description and price without a mask', async () => {
    const before = await create();
    const changes = { name: 'Lungo', description: '', price: toWire(money('KWD', 1234)) };
    await catalog.client.updateProduct({ requestId: '', product: { ...before, ...changes, revision: 0n } });
    expect(await get(before.sku)).to.deep.include({ ...changes, revision: 2n });
  });

  it('change only at the revision that the caller has seen, if it says one', async () => {
    const { sku } = await create();
    const update = (revision: bigint, name: string) =>
      catalog.client.updateProduct({
        requestId: '',
        product: aProduct({ sku, revision, name }),
        updateMask: ['name'],
      });
    await update(1n, 'Second');
    const error = await expectReason(update(1n, 'Third'), 'CONFLICT');
    expect(error.metadata).to.deep.equal({ sku });
    expect(error.retryAfterMs).to.be.greaterThan(0);
    expect(await get(sku)).to.include({ name: 'Second', revision: 2n });
  });

  it('are gone once deleted, but keep their SKU', async () => {
    const { sku } = await create();
    await catalog.client.deleteProduct({ requestId: '', sku });
    const error = await expectReason(catalog.client.getProduct({ sku }), 'PRODUCT_NOT_FOUND');
    expect(error.metadata).to.deep.equal({ sku });
    const update = catalog.client.updateProduct({ requestId: '', product: aProduct({ sku }) });
    await expectReason(update, 'PRODUCT_NOT_FOUND');
    await expectReason(catalog.client.deleteProduct({ requestId: '', sku }), 'PRODUCT_NOT_FOUND');
    const recreate = catalog.client.createProduct({ requestId: '', product: aProduct({ sku }) });
    await expectReason(recreate, 'PRODUCT_ALREADY_EXISTS');
    const batch = await catalog.client.batchGetProducts({ skus: [sku] });
    expect(batch).to.deep.equal({ products: [], missingSkus: [sku] });
  });

  it('that do not exist are NOT_FOUND', async () => {
    const sku = 'no-such-product';
    await expectReason(catalog.client.getProduct({ sku }), 'PRODUCT_NOT_FOUND');
    await expectReason(catalog.client.deleteProduct({ requestId: '', sku }), 'PRODUCT_NOT_FOUND');
    const update = catalog.client.updateProduct({ requestId: '', product: aProduct({ sku }) });
    await expectReason(update, 'PRODUCT_NOT_FOUND');
  });

  it('are read many at once, each once, in SKU order, the missing named', async () => {
    const [b, a] = [await create({ sku: 'batch-b' }), await create({ sku: 'batch-B' })];
    const answer = await catalog.client.batchGetProducts({
      skus: ['no-z', 'batch-b', 'no-a', 'batch-B', 'batch-b', 'no-z'],
    });
    expect(answer).to.deep.equal({ products: [a, b], missingSkus: ['no-a', 'no-z'] });
  });

  it('have the schema that is committed', async () => {
    const committed = readFileSync(new URL('../../pkg/catalog/schema.sql', import.meta.url), 'utf8');
    expect(await dumpSchema(catalog.db)).to.equal(committed);
  });
});
