import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { seedDemo } from '../../cmd/seed/app.js';
import { demoProducts } from '../../pkg/catalog/demo-products.js';
import { toWire } from '../../pkg/money/index.js';
import { startCatalogForTest, type TestCatalog } from './catalog-server.js';
import { startInventoryForTest, type TestInventory } from './inventory-server.js';

const skus = demoProducts.map(({ sku }) => sku);

describe('demo data', () => {
  let catalog: TestCatalog;
  let inventory: TestInventory;

  before(async () => {
    catalog = await startCatalogForTest();
    inventory = await startInventoryForTest();
  });
  after(async () => {
    await inventory.close();
    await catalog.close();
  });

  const seed = () =>
    seedDemo({ catalog: catalog.address, inventory: inventory.address, tls: undefined }, () => undefined);
  const shop = async () => ({
    ...(await catalog.client.batchGetProducts({ skus })),
    ...(await inventory.client.batchGetStock({ skus, view: 0 })),
  });

  it('is a coffee shop in dollars and an electronics store in yen', () => {
    const sold = (prefix: string) => demoProducts.filter(({ sku }) => sku.startsWith(prefix));
    for (const [prefix, currency] of [
      ['coffee-', 'USD'],
      ['elec-', 'JPY'],
    ] as const) {
      expect(sold(prefix)).to.have.length.of.at.least(8);
      expect(new Set(sold(prefix).map(({ price }) => price.currency))).to.deep.equal(new Set([currency]));
    }
    expect(new Set(skus)).to.have.property('size', demoProducts.length);
  });

  it('is put on sale and on the shelf by several at once, once', async () => {
    await Promise.all([seed(), seed(), seed()]);
    const { products, stock, missingSkus } = await shop();
    expect(missingSkus).to.deep.equal([]);
    for (const { sku, name, price, onHand } of demoProducts) {
      expect(products.find((product) => product.sku === sku)).to.deep.include({
        name,
        price: toWire(price),
        revision: 1n,
      });
      expect(stock.find((level) => level.sku === sku)).to.include({ onHand, available: onHand });
    }
  });

  it('stays as it is when it is loaded again', async () => {
    await inventory.client.adjustStock({ requestId: '', sku: skus[0] ?? '', delta: -5n, reason: 'sold' });
    await catalog.client.deleteProduct({ requestId: '', sku: skus[1] ?? '' });
    const before = await shop();
    await seed();
    expect(await shop()).to.deep.equal(before);
  });

  it('says which service cannot be reached', async () => {
    const main = fileURLToPath(new URL('../../cmd/seed/main.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', main], {
      env: {
        ...process.env,
        // What a child with other loaders covers cannot be added to what this process does.
        NODE_V8_COVERAGE: '',
        CATALOG_SERVICE_ADDR: '127.0.0.1:1',
        INVENTORY_SERVICE_ADDR: inventory.address,
      },
    });
    const said: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).to.equal(1);
    expect(said.join('')).to.contain('catalog-service').and.to.contain('127.0.0.1:1');
  });
});
