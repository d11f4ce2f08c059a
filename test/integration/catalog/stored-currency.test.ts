import { expect } from 'chai';
import { aProduct } from '../../../pkg/catalog/testing/builders.js';
import { sql } from '../../../pkg/postgres/index.js';
import { startCatalogForTest, type TestCatalog } from './server.js';

const retireCurrency = sql('test.retire_currency', `update products set currency = 'BGN' where sku = $sku`);
const insertChange = sql(
  'test.insert_change',
  `insert into product_changes (sku, kind, revision, name, currency, price_minor, actor, reason)
   select sku, 'UPDATE', revision, name, 'BGN', price_minor, '', '' from products where sku = $sku`,
);

describe('a product in a currency that has left ISO 4217', () => {
  let catalog: TestCatalog;
  const [retired, other] = [aProduct(), aProduct()];
  const skus = [retired.sku, other.sku].toSorted();

  before(async () => {
    catalog = await startCatalogForTest();
    for (const product of [retired, other]) await catalog.client.createProduct({ requestId: '', product });
    await catalog.db.query(retireCurrency({ sku: retired.sku }));
    await catalog.db.query(insertChange({ sku: retired.sku }));
  });
  after(() => catalog.close());

  it('is read and listed, also together with others', async () => {
    const { client } = catalog;
    const { products } = await client.batchGetProducts({ skus });
    expect(products.map(({ sku }) => sku)).to.have.members(skus);
    const listed = await client.listProducts({ pageSize: 0, pageToken: '' });
    expect(listed.products.map(({ sku }) => sku)).to.have.members(skus);
    const { changes } = await client.listProductChanges({ pageSize: 0, pageToken: '', sku: retired.sku });
    expect(changes.map(({ price }) => price?.currencyCode)).to.include('BGN');
  });

  it('can be deleted', async () => {
    await catalog.client.deleteProduct({ requestId: '', sku: retired.sku });
    const { products } = await catalog.client.listProducts({ pageSize: 0, pageToken: '' });
    expect(products.map(({ sku }) => sku)).to.deep.equal([other.sku]);
  });
});
