import { expect } from 'chai';
import { aProduct } from '../../pkg/catalog/testing/builders.js';
import { money, toWire, type WireMoney } from '../../pkg/money/index.js';
import {
  CatalogServiceService,
  CreateProductRequest,
  type Product,
} from '../../pkg/pb/catalog/v1/catalog.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { frame, rawCall } from '../../pkg/rpc/testing/raw-call.js';
import { startCatalogForTest, type TestCatalog } from './catalog-server.js';

const price = (units: bigint, nanos = 0, currencyCode = 'USD'): WireMoney => ({ currencyCode, units, nanos });

const wrongPrices: Record<string, WireMoney | undefined> = {
  'no price': undefined,
  'a price of zero': price(0n),
  'a negative price': price(-1n),
  'a negative fraction': price(0n, -10_000_000),
  'signs that differ': price(1n, -10_000_000),
  'more than a billion nanos': price(1n, 1_000_000_000),
  'half a cent': price(1n, 5_000_000),
  'half a yen': price(1n, 500_000_000, 'JPY'),
  'no currency': price(1n, 0, ''),
  'an unknown currency': price(1n, 0, 'XXX'),
  'a currency in lower case': price(1n, 0, 'usd'),
  'one minor unit too many': price(90_071_992_547_409n, 920_000_000),
  'the largest int64': price(9_223_372_036_854_775_807n),
};

const wrongFields: Record<string, { given: Partial<Product>; fields: string[] }> = {
  'no SKU': { given: { sku: '' }, fields: ['product.sku'] },
  'a SKU of 65 characters': { given: { sku: 'x'.repeat(65) }, fields: ['product.sku'] },
  'a SKU with a space': { given: { sku: 'a b' }, fields: ['product.sku'] },
  'a SKU with a slash': { given: { sku: '../a' }, fields: ['product.sku'] },
  'a SKU with NUL': { given: { sku: 'a\0' }, fields: ['product.sku'] },
  'a SKU in Cyrillic': { given: { sku: 'кофе' }, fields: ['product.sku'] },
  'no name': { given: { name: '' }, fields: ['product.name'] },
  'a name of 201 characters': { given: { name: 'x'.repeat(201) }, fields: ['product.name'] },
  'a name with NUL': { given: { name: 'a\0b' }, fields: ['product.name'] },
  'a description of 2,001 characters': {
    given: { description: 'x'.repeat(2001) },
    fields: ['product.description'],
  },
  'a description that was not UTF-8': { given: { description: 'a\uFFFD' }, fields: ['product.description'] },
  'everything wrong': {
    given: { sku: '', name: '', description: '\0', price: undefined },
    fields: ['product.sku', 'product.name', 'product.description', 'product.price'],
  },
  ...Object.fromEntries(
    Object.entries(wrongPrices).map(([what, given]) => [
      what,
      { given: { price: given }, fields: ['product.price'] },
    ]),
  ),
};

describe('requests that the catalog refuses', () => {
  let catalog: TestCatalog;
  let existing: Product;

  before(async () => {
    catalog = await startCatalogForTest();
    const { product } = await catalog.client.createProduct({ requestId: '', product: aProduct() });
    existing = product ?? expect.fail('no product');
  });
  after(() => catalog.close());

  /** The fields that break a rule; checks that nothing was stored and nothing has changed. */
  const violations = async (call: () => Promise<unknown>): Promise<string[]> => {
    const before = await catalog.rows();
    const { fields } = await expectReason(call(), 'VALIDATION_FAILED');
    expect(await catalog.rows()).to.deep.equal(before);
    const { product } = await catalog.client.getProduct({ sku: existing.sku });
    expect(product).to.deep.equal(existing);
    return fields.map(({ field }) => field);
  };

  for (const [what, { given, fields }] of Object.entries(wrongFields)) {
    it(`a creation with ${what}`, async () => {
      const request = { requestId: 'wrong', product: aProduct(given) };
      expect(await violations(() => catalog.client.createProduct(request))).to.deep.equal(fields);
    });

    it(`an update with ${what}`, async () => {
      const request = { requestId: 'wrong', product: { ...existing, ...given } };
      expect(await violations(() => catalog.client.updateProduct(request))).to.deep.equal(fields);
    });
  }

  const masks: Record<string, string[]> = {
    'a path that does not exist': ['colour'],
    'a path that may not change': ['sku'],
    'a path inside a field': ['price.units'],
    'a path in camel case': ['Name'],
    'an empty path': [''],
    'a wildcard': ['*'],
    'a wrong path beside good ones': ['name', 'revision', 'price'],
  };
  for (const [what, updateMask] of Object.entries(masks))
    it(`an update whose mask has ${what}`, async () => {
      const request = { requestId: 'wrong', product: existing, updateMask };
      const found = await violations(() => catalog.client.updateProduct(request));
      expect(found).to.deep.equal(['update_mask']);
    });

  it('an update at a negative revision', async () => {
    const request = { requestId: 'wrong', product: { ...existing, revision: -1n } };
    const found = await violations(() => catalog.client.updateProduct(request));
    expect(found).to.deep.equal(['product.revision']);
  });

  it('an update looks only at the fields that its mask names', async () => {
    const product = { ...existing, description: existing.description, name: '', price: undefined };
    const { product: updated } = await catalog.client.updateProduct({
      requestId: '',
      product,
      updateMask: ['description'],
    });
    expect(updated).to.include({ name: existing.name, revision: existing.revision + 1n });
    existing = updated ?? existing;
  });

  for (const requestId of ['x'.repeat(129), 'a\0'])
    it(`a request id of ${requestId.length} characters like ${JSON.stringify(requestId.slice(-2))}`, async () => {
      const { client } = catalog;
      const create = () => client.createProduct({ requestId, product: aProduct() });
      const update = () => client.updateProduct({ requestId, product: existing });
      const remove = () => client.deleteProduct({ requestId, sku: existing.sku });
      for (const call of [create, update, remove])
        expect(await violations(call)).to.deep.equal(['request_id']);
    });

  it('a change without a product', async () => {
    const { client } = catalog;
    const requestId = 'wrong';
    const create = () => client.createProduct({ requestId, product: undefined });
    const update = () => client.updateProduct({ requestId, product: undefined, updateMask: ['name'] });
    for (const call of [create, update]) expect(await violations(call)).to.include('product');
  });

  for (const sku of ['', 'a b', 'a\0', 'x'.repeat(65)])
    it(`reads and deletions of ${JSON.stringify(sku.slice(0, 5))}`, async () => {
      const { client } = catalog;
      expect(await violations(() => client.getProduct({ sku }))).to.deep.equal(['sku']);
      expect(await violations(() => client.deleteProduct({ requestId: 'wrong', sku }))).to.deep.equal([
        'sku',
      ]);
      const batch = () => client.batchGetProducts({ skus: ['good', sku] });
      expect(await violations(batch)).to.deep.equal(['skus[1]']);
    });

  it('reads of no product and of too many', async () => {
    const { client } = catalog;
    for (const length of [0, 1001, 20_000]) {
      const skus = Array.from({ length }, (_, n) => `sku-${n}`);
      expect(await violations(() => client.batchGetProducts({ skus }))).to.deep.equal(['skus']);
    }
    const most = Array.from({ length: 1000 }, (_, n) => `sku-${n}`);
    expect((await client.batchGetProducts({ skus: most })).missingSkus).to.have.length(1000);
  });

  it('text that is not UTF-8 on the wire', async () => {
    const product = aProduct({ name: 'WRONG', price: toWire(money('USD', 1)) });
    const bytes = Buffer.from(CreateProductRequest.encode({ requestId: 'wrong', product }).finish());
    bytes.write('\xff\xfe\xff\xfe\xff', bytes.indexOf('WRONG'), 'latin1');
    const { path } = CatalogServiceService.createProduct;
    const call = async () => {
      const answer = await rawCall(catalog.address, { path, body: frame(bytes) });
      throw answer.error();
    };
    expect(await violations(call)).to.deep.equal(['product.name']);
  });
});
