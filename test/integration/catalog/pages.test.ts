import { expect } from 'chai';
import { pageFilter } from '../../../pkg/catalog/grpc-parse.js';
import { aProduct } from '../../../pkg/catalog/testing/builders.js';
import { expectReason } from '../../support/expect-reason.js';
import { encodePageToken } from '../../../pkg/rpc/index.js';
import { startCatalogForTest, type TestCatalog } from './server.js';

describe('ListProducts', () => {
  let catalog: TestCatalog;
  /** SKUs sorted by bytes: upper case before lower case. */
  const skus = ['.x', 'A', 'B', 'Z', '_', 'a', 'b', 'b-1', 'b.1', 'z'].toSorted();

  before(async () => {
    catalog = await startCatalogForTest();
    for (const sku of [...skus.toReversed(), 'c-deleted'])
      await catalog.client.createProduct({ requestId: '', product: aProduct({ sku }) });
    await catalog.client.deleteProduct({ requestId: '', sku: 'c-deleted' });
  });
  after(() => catalog.close());

  const list = (pageSize: number, pageToken = '') => catalog.client.listProducts({ pageSize, pageToken });

  const pages = async (pageSize: number): Promise<string[][]> => {
    const found: string[][] = [];
    let token = '';
    do {
      const page = await list(pageSize, token);
      found.push(page.products.map(({ sku }) => sku));
      token = page.nextPageToken;
    } while (token !== '');
    return found;
  };

  for (const size of [1, 3, 5, 9, 10, 11, 1000])
    it(`lists every product once, sorted by SKU, in pages of ${size}`, async () => {
      const found = await pages(size);
      expect(found.flat()).to.deep.equal(skus);
      expect(found).to.have.length(Math.ceil(skus.length / size));
    });

  it('applies a default page size to a page size of 0', async () => {
    expect(await pages(0)).to.deep.equal([skus]);
  });

  it('lists the remaining products once when products are created between the requests for two pages', async () => {
    const first = await list(4);
    await catalog.client.createProduct({ requestId: '', product: aProduct({ sku: '-first' }) });
    await catalog.client.createProduct({ requestId: '', product: aProduct({ sku: 'zz-last' }) });
    const rest = await list(1000, first.nextPageToken);
    const seen = [...first.products, ...rest.products].map(({ sku }) => sku);
    expect(seen).to.deep.equal([...skus, 'zz-last']);
    for (const sku of ['-first', 'zz-last']) await catalog.client.deleteProduct({ requestId: '', sku });
  });

  const wrongTokens: Record<string, string> = {
    'that is not a token': 'hello',
    'of another listing': encodePageToken(['a'], ['order-1']),
    'with two keys': encodePageToken(['a', 'b'], pageFilter),
    'with a key that is not a SKU': encodePageToken(["a'; drop table products"], pageFilter),
    'with NUL in its key': encodePageToken(['a\0'], pageFilter),
    'that decodes to null': Buffer.from('null').toString('base64url'),
  };
  for (const [label, token] of Object.entries(wrongTokens))
    it(`rejects a page token ${label}`, async () => {
      const error = await expectReason(list(3, token), 'INVALID_PAGE_TOKEN');
      expect(error.fields.map(({ field }) => field)).to.deep.equal(['page_token']);
    });

  for (const size of [-1, 1001, 2_147_483_647])
    it(`rejects a page size of ${size}`, async () => {
      const error = await expectReason(list(size), 'VALIDATION_FAILED');
      expect(error.fields.map(({ field }) => field)).to.deep.equal(['page_size']);
    });
});
