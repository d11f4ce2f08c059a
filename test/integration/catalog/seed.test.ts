import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { seedDemo } from '../../../cmd/seed/app.js';
import { demoProducts } from '../../../pkg/catalog/demo-products.js';
import { toWire } from '../../../pkg/money/index.js';
import { startCatalogForTest, type TestCatalog } from './server.js';
import { startInventoryForTest, type TestInventory } from '../inventory/server.js';

const skus = demoProducts.map(({ sku }) => sku);

describe('seed', () => {
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
  const stored = async () => ({
    ...(await catalog.client.batchGetProducts({ skus })),
    ...(await inventory.client.batchGetStock({ skus, view: 0 })),
  });

  it('creates the demo data once in concurrent runs', async () => {
    await Promise.all([seed(), seed(), seed()]);
    const { products, stock, missingSkus } = await stored();
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

  it('changes no existing product or stock in another run', async () => {
    await inventory.client.adjustStock({ requestId: '', sku: skus[0] ?? '', delta: -5n, reason: 'sold' });
    await catalog.client.deleteProduct({ requestId: '', sku: skus[1] ?? '' });
    const before = await stored();
    await seed();
    expect(await stored()).to.deep.equal(before);
  });

  it('fails with the name and address of the unreachable service', async () => {
    const main = fileURLToPath(new URL('../../../cmd/seed/main.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', main], {
      env: {
        ...process.env,
        // No coverage: the loader hook of the child process shifts source positions, so its coverage data would be wrong.
        NODE_V8_COVERAGE: '',
        CATALOG_SERVICE_ADDR: '127.0.0.1:1',
        INVENTORY_SERVICE_ADDR: inventory.address,
      },
    });
    const output: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => output.push(text));
    const [code] = (await once(child, 'close')) as [number];
    expect(code).to.equal(1);
    expect(output.join('')).to.contain('catalog-service').and.to.contain('127.0.0.1:1');
  });
});
