import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { aProduct } from '../../../pkg/catalog/testing/builders.js';
import { money, toWire } from '../../../pkg/money/index.js';
import type { Product } from '../../../pkg/pb/catalog/v1/catalog.js';
import { dumpSchema } from '../../../pkg/postgres/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { startCatalogForTest, type TestCatalog } from './server.js';

describe('products', () => {
  let catalog: TestCatalog;

  before(async () => {
    catalog = await startCatalogForTest();
  });
  after(() => catalog.close());

  const create = async (overrides: Partial<Product> = {}): Promise<Product> => {
    const { product } = await catalog.client.createProduct({ requestId: '', product: aProduct(overrides) });
    return product ?? expect.fail('no product');
  };
  const get = async (sku: string): Promise<Product | undefined> =>
    (await catalog.client.getProduct({ sku })).product;

  it('have the field values of their creation request, and revision 1', async () => {
    const request = aProduct({ price: toWire(money('JPY', 980)) });
    const created = await create(request);
    const { createTime, updateTime, ...product } = created;
    expect(product).to.deep.equal({
      sku: request.sku,
      name: request.name,
      description: request.description,
      price: { currencyCode: 'JPY', units: 980n, nanos: 0 },
      revision: 1n,
    });
    expect(createTime).to.be.an.instanceOf(Date);
    expect(updateTime).to.deep.equal(createTime);
    expect(await get(request.sku)).to.deep.equal(created);
  });

  it('have prices from one minor unit to the largest safe integer', async () => {
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

  it('may have texts of the maximum length with any characters', async () => {
    const texts = { name: 'é'.repeat(200), description: `${'日'.repeat(1998)}😀` };
    const { sku } = await create(texts);
    expect(await get(sku)).to.deep.include(texts);
  });

  it('have unique, case-sensitive SKUs', async () => {
    const { sku } = await create();
    const repeated = catalog.client.createProduct({ requestId: '', product: aProduct({ sku }) });
    const error = await expectReason(repeated, 'PRODUCT_ALREADY_EXISTS');
    expect(error.metadata).to.deep.equal({ sku });
    await create({ sku: sku.toUpperCase() });
  });

  it('change only in the fields of the update mask', async () => {
    const before = await create();
    const changes = aProduct({ sku: before.sku, name: 'Ristretto', price: toWire(money('EUR', 1)) });
    const response = await catalog.client.updateProduct({
      requestId: '',
      product: changes,
      updateMask: ['name'],
    });
    const expected = { ...before, name: 'Ristretto', revision: 2n, updateTime: response.product?.updateTime };
    expect(response.product).to.deep.equal(expected);
    expect(await get(before.sku)).to.deep.equal(expected);
    expect(response.product?.updateTime?.getTime()).to.be.at.least(before.createTime?.getTime() ?? Infinity);
  });

  it('change even if fields outside the update mask are invalid', async () => {
    const before = await create();
    const { product } = await catalog.client.updateProduct({
      requestId: '',
      product: { ...before, name: '', price: undefined },
      updateMask: ['description'],
    });
    expect(product).to.include({ name: before.name, revision: 2n });
  });

  it('change in name, description and price if the update has no mask', async () => {
    const before = await create();
    const changes = { name: 'Lungo', description: '', price: toWire(money('KWD', 1234)) };
    await catalog.client.updateProduct({ requestId: '', product: { ...before, ...changes, revision: 0n } });
    expect(await get(before.sku)).to.deep.include({ ...changes, revision: 2n });
  });

  it('change only at the expected revision, if the request has a revision', async () => {
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

  it('are not found after deletion, and their SKUs cannot be used again', async () => {
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

  it('are not found under an unknown SKU', async () => {
    const sku = 'no-such-product';
    await expectReason(catalog.client.getProduct({ sku }), 'PRODUCT_NOT_FOUND');
    await expectReason(catalog.client.deleteProduct({ requestId: '', sku }), 'PRODUCT_NOT_FOUND');
    const update = catalog.client.updateProduct({ requestId: '', product: aProduct({ sku }) });
    await expectReason(update, 'PRODUCT_NOT_FOUND');
  });

  it('are returned once by BatchGetProducts, sorted by SKU; the response also lists the missing SKUs', async () => {
    const [b, a] = [await create({ sku: 'batch-b' }), await create({ sku: 'batch-B' })];
    const response = await catalog.client.batchGetProducts({
      skus: ['no-z', 'batch-b', 'no-a', 'batch-B', 'batch-b', 'no-z'],
    });
    expect(response).to.deep.equal({ products: [a, b], missingSkus: ['no-a', 'no-z'] });
  });

  it('are stored in a schema equal to schema.sql', async () => {
    const committed = readFileSync(new URL('../../../pkg/catalog/schema.sql', import.meta.url), 'utf8');
    expect(await dumpSchema(catalog.db)).to.equal(committed);
  });
});
