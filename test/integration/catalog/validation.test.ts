import { expect } from 'chai';
import { aProduct } from '../../../pkg/catalog/testing/builders.js';
import { money, toWire, type WireMoney } from '../../../pkg/money/index.js';
import {
  CatalogServiceService,
  CreateProductRequest,
  type Product,
} from '../../../pkg/pb/catalog/v1/catalog.js';
import { expectReason } from '../../support/expect-reason.js';
import { frame, rawCall } from '../../support/rpc/raw-call.js';
import { startCatalogForTest, type TestCatalog } from './server.js';

const price = (units: bigint, nanos = 0, currencyCode = 'USD'): WireMoney => ({ currencyCode, units, nanos });

const wrongPrices: Record<string, WireMoney | undefined> = {
  'no price': undefined,
  'a price of zero': price(0n),
  'a negative price': price(-1n),
  'a price with a negative fraction': price(0n, -10_000_000),
  'a price whose units and nanos have different signs': price(1n, -10_000_000),
  'a price with a billion nanos': price(1n, 1_000_000_000),
  'a price of half a cent': price(1n, 5_000_000),
  'a price of half a yen': price(1n, 500_000_000, 'JPY'),
  'a price without a currency': price(1n, 0, ''),
  'a price in an unknown currency': price(1n, 0, 'XXX'),
  'a currency code in lower case': price(1n, 0, 'usd'),
  'a price one minor unit above the maximum': price(90_071_992_547_409n, 920_000_000),
  'the largest int64 as price': price(9_223_372_036_854_775_807n),
};

const wrongFields: Record<string, { overrides: Partial<Product>; fields: string[] }> = {
  'no SKU': { overrides: { sku: '' }, fields: ['product.sku'] },
  'a SKU of 65 characters': { overrides: { sku: 'x'.repeat(65) }, fields: ['product.sku'] },
  'a SKU with a space': { overrides: { sku: 'a b' }, fields: ['product.sku'] },
  'a SKU with a slash': { overrides: { sku: '../a' }, fields: ['product.sku'] },
  'a SKU with NUL': { overrides: { sku: 'a\0' }, fields: ['product.sku'] },
  'a SKU in Cyrillic': { overrides: { sku: 'кофе' }, fields: ['product.sku'] },
  'no name': { overrides: { name: '' }, fields: ['product.name'] },
  'a name of 201 characters': { overrides: { name: 'x'.repeat(201) }, fields: ['product.name'] },
  'a name with NUL': { overrides: { name: 'a\0b' }, fields: ['product.name'] },
  'a description of 2,001 characters': {
    overrides: { description: 'x'.repeat(2001) },
    fields: ['product.description'],
  },
  'a description with U+FFFD, which replaces invalid UTF-8': {
    overrides: { description: 'a\uFFFD' },
    fields: ['product.description'],
  },
  'invalid values in every field': {
    overrides: { sku: '', name: '', description: '\0', price: undefined },
    fields: ['product.sku', 'product.name', 'product.description', 'product.price'],
  },
  ...Object.fromEntries(
    Object.entries(wrongPrices).map(([label, overrides]) => [
      label,
      { overrides: { price: overrides }, fields: ['product.price'] },
    ]),
  ),
};

describe('the catalog service rejects, without a change of the database,', () => {
  let catalog: TestCatalog;
  let existing: Product;

  before(async () => {
    catalog = await startCatalogForTest();
    const { product } = await catalog.client.createProduct({ requestId: '', product: aProduct() });
    existing = product ?? expect.fail('no product');
  });
  after(() => catalog.close());

  /** Returns the fields that the error names, and checks that no row was stored or changed. */
  const violations = async (call: () => Promise<unknown>): Promise<string[]> => {
    const before = await catalog.rows();
    const { fields } = await expectReason(call(), 'VALIDATION_FAILED');
    expect(await catalog.rows()).to.deep.equal(before);
    const { product } = await catalog.client.getProduct({ sku: existing.sku });
    expect(product).to.deep.equal(existing);
    return fields.map(({ field }) => field);
  };

  for (const [label, { overrides, fields }] of Object.entries(wrongFields)) {
    it(`a creation with ${label}`, async () => {
      const request = { requestId: 'wrong', product: aProduct(overrides) };
      expect(await violations(() => catalog.client.createProduct(request))).to.deep.equal(fields);
    });

    it(`an update with ${label}`, async () => {
      const request = { requestId: 'wrong', product: { ...existing, ...overrides } };
      expect(await violations(() => catalog.client.updateProduct(request))).to.deep.equal(fields);
    });
  }

  const masks: Record<string, string[]> = {
    'a path that does not exist': ['color'],
    'the path of a field that may not change': ['sku'],
    'a path to a nested field': ['price.units'],
    'a path that starts with an upper-case letter': ['Name'],
    'an empty path': [''],
    'a wildcard': ['*'],
    'an invalid path among valid ones': ['name', 'revision', 'price'],
  };
  for (const [label, updateMask] of Object.entries(masks))
    it(`an update whose mask has ${label}`, async () => {
      const request = { requestId: 'wrong', product: existing, updateMask };
      const fields = await violations(() => catalog.client.updateProduct(request));
      expect(fields).to.deep.equal(['update_mask']);
    });

  it('an update with a negative revision', async () => {
    const request = { requestId: 'wrong', product: { ...existing, revision: -1n } };
    const fields = await violations(() => catalog.client.updateProduct(request));
    expect(fields).to.deep.equal(['product.revision']);
  });

  const invalidRequestIds = {
    'a request id of 129 characters': 'x'.repeat(129),
    'a request id with NUL': 'a\0',
  };
  for (const [label, requestId] of Object.entries(invalidRequestIds))
    it(label, async () => {
      const { client } = catalog;
      const create = () => client.createProduct({ requestId, product: aProduct() });
      const update = () => client.updateProduct({ requestId, product: existing });
      const remove = () => client.deleteProduct({ requestId, sku: existing.sku });
      for (const call of [create, update, remove])
        expect(await violations(call)).to.deep.equal(['request_id']);
    });

  it('a creation and an update without a product', async () => {
    const { client } = catalog;
    const requestId = 'wrong';
    const create = () => client.createProduct({ requestId, product: undefined });
    const update = () => client.updateProduct({ requestId, product: undefined, updateMask: ['name'] });
    for (const call of [create, update]) expect(await violations(call)).to.include('product');
  });

  const invalidSkus = {
    'an empty SKU': '',
    'a SKU with a space': 'a b',
    'a SKU with NUL': 'a\0',
    'a SKU of 65 characters': 'x'.repeat(65),
  };
  for (const [label, sku] of Object.entries(invalidSkus))
    it(`reads and deletions of ${label}`, async () => {
      const { client } = catalog;
      expect(await violations(() => client.getProduct({ sku }))).to.deep.equal(['sku']);
      expect(await violations(() => client.deleteProduct({ requestId: 'wrong', sku }))).to.deep.equal([
        'sku',
      ]);
      const batch = () => client.batchGetProducts({ skus: ['good', sku] });
      expect(await violations(batch)).to.deep.equal(['skus[1]']);
    });

  it('BatchGetProducts without SKUs or with more than 1,000 SKUs', async () => {
    const { client } = catalog;
    for (const length of [0, 1001, 20_000]) {
      const skus = Array.from({ length }, (_, n) => `sku-${n}`);
      expect(await violations(() => client.batchGetProducts({ skus }))).to.deep.equal(['skus']);
    }
    const most = Array.from({ length: 1000 }, (_, n) => `sku-${n}`);
    expect((await client.batchGetProducts({ skus: most })).missingSkus).to.have.length(1000);
  });

  it('text that is not UTF-8', async () => {
    const product = aProduct({ name: 'WRONG', price: toWire(money('USD', 1)) });
    const bytes = Buffer.from(CreateProductRequest.encode({ requestId: 'wrong', product }).finish());
    bytes.write('\xff\xfe\xff\xfe\xff', bytes.indexOf('WRONG'), 'latin1');
    const { path } = CatalogServiceService.createProduct;
    const call = async () => {
      const response = await rawCall(catalog.address, { path, body: frame(bytes) });
      throw response.error();
    };
    expect(await violations(call)).to.deep.equal(['product.name']);
  });
});
