import { expect } from 'chai';
import { aProduct } from '../../../pkg/catalog/testing/builders.js';
import { isAppError } from '../../../pkg/errors/index.js';
import { money, toWire } from '../../../pkg/money/index.js';
import type { Product } from '../../../pkg/pb/catalog/v1/catalog.js';
import { expectReason } from '../../support/expect-reason.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { startCatalogForTest, type CatalogClient, type TestCatalog } from './server.js';

describe('idempotent product mutations', () => {
  let catalog: TestCatalog;

  before(async () => {
    catalog = await startCatalogForTest();
  });
  after(() => catalog.close());

  const create = async (overrides: Partial<Product> = {}, requestId = uuidv7()): Promise<Product> => {
    const { product } = await catalog.client.createProduct({ requestId, product: aProduct(overrides) });
    return product ?? expect.fail('no product');
  };
  const get = async (sku: string): Promise<Product | undefined> =>
    (await catalog.client.getProduct({ sku })).product;

  describe('with a repeated request', () => {
    it('return the first response of CreateProduct, even after an update of the product', async () => {
      const request = { requestId: uuidv7(), product: aProduct() };
      const first = await catalog.client.createProduct(request);
      await catalog.client.updateProduct({ requestId: '', product: { ...request.product, name: 'Other' } });
      expect(await catalog.client.createProduct(request)).to.deep.equal(first);
      expect(await get(request.product.sku)).to.include({ name: 'Other', revision: 2n });
    });

    it('return the first response of UpdateProduct and change nothing', async () => {
      const product = { ...(await create()), name: 'Changed', revision: 1n };
      const request = { requestId: uuidv7(), product, updateMask: ['name'] };
      const first = await catalog.client.updateProduct(request);
      expect(await catalog.client.updateProduct(request)).to.deep.equal(first);
      expect(await get(product.sku)).to.deep.equal(first.product);
    });

    it('return an empty response to a repeated DeleteProduct', async () => {
      const request = { requestId: uuidv7(), sku: (await create()).sku };
      await catalog.client.deleteProduct(request);
      expect(await catalog.client.deleteProduct(request)).to.deep.equal({});
    });

    it('return the first error, even after its cause no longer exists', async () => {
      const { sku } = await create();
      const outdated = {
        requestId: uuidv7(),
        product: aProduct({ sku, revision: 2n, name: 'Late' }),
        updateMask: ['name'],
      };
      await expectReason(catalog.client.updateProduct(outdated), 'CONFLICT');
      await catalog.client.updateProduct({ requestId: '', product: aProduct({ sku, name: 'Now at 2' }) });
      await expectReason(catalog.client.updateProduct(outdated), 'CONFLICT');
      expect(await get(sku)).to.include({ name: 'Now at 2', revision: 2n });

      const missing = `missing-${sku}`;
      const update = { requestId: uuidv7(), product: aProduct({ sku: missing }) };
      const remove = { requestId: uuidv7(), sku: missing };
      await expectReason(catalog.client.updateProduct(update), 'PRODUCT_NOT_FOUND');
      await expectReason(catalog.client.deleteProduct(remove), 'PRODUCT_NOT_FOUND');
      const created = await create({ sku: missing });
      await expectReason(catalog.client.updateProduct(update), 'PRODUCT_NOT_FOUND');
      await expectReason(catalog.client.deleteProduct(remove), 'PRODUCT_NOT_FOUND');
      expect(await get(missing)).to.deep.equal(created);
    });
  });

  describe('with a reused key', () => {
    it('are rejected for CreateProduct with another body, and change nothing', async () => {
      const requestId = uuidv7();
      const product = await create({}, requestId);
      const { sku } = product;
      const price = toWire(money('USD', 1));
      for (const change of [{ sku: 'x' }, { name: 'x' }, { description: 'x' }, { price }]) {
        const request = { requestId, product: { ...product, ...change } };
        await expectReason(catalog.client.createProduct(request), 'REQUEST_ID_REUSED');
      }
      expect(await get(sku)).to.deep.equal(product);
      await expectReason(catalog.client.getProduct({ sku: 'x' }), 'PRODUCT_NOT_FOUND');
    });

    it('are rejected for UpdateProduct with another body, mask or revision', async () => {
      const product = { ...(await create()), name: 'Changed', revision: 1n };
      const request = { requestId: uuidv7(), product, updateMask: ['name'] };
      await catalog.client.updateProduct(request);
      for (const change of [
        { updateMask: ['name', 'description'] },
        { updateMask: [] },
        { product: { ...product, revision: 0n } },
        { product: { ...product, name: 'Another' } },
      ])
        await expectReason(catalog.client.updateProduct({ ...request, ...change }), 'REQUEST_ID_REUSED');
      expect(await get(product.sku)).to.include({ name: 'Changed', revision: 2n });
    });

    it('are rejected for DeleteProduct of another product', async () => {
      const [deletedProduct, otherProduct] = [await create(), await create()];
      const requestId = uuidv7();
      await catalog.client.deleteProduct({ requestId, sku: deletedProduct.sku });
      await expectReason(
        catalog.client.deleteProduct({ requestId, sku: otherProduct.sku }),
        'REQUEST_ID_REUSED',
      );
      expect(await get(otherProduct.sku)).to.deep.equal(otherProduct);
    });

    it('are accepted for another method', async () => {
      const requestId = uuidv7();
      const product = await create({}, requestId);
      await catalog.client.updateProduct({ requestId, product });
      await catalog.client.deleteProduct({ requestId, sku: product.sku });
    });
  });

  describe('sent concurrently over many connections', () => {
    let clients: CatalogClient[];

    before(() => {
      clients = catalog.clients(24);
    });

    /** Returns the product or the error reason that each client receives. */
    const race = (call: (client: CatalogClient, n: number) => Promise<{ product?: Product | undefined }>) =>
      Promise.all(
        clients.map((client, n) =>
          call(client, n).then(
            ({ product }) => product,
            (error: unknown) => (isAppError(error) ? error.reason : expect.fail(String(error))),
          ),
        ),
      );

    it('create one product if the keys and bodies are equal, and return the product to each client', async () => {
      const request = { requestId: uuidv7(), product: aProduct() };
      const responses = await race((client) => client.createProduct(request));
      const stored = await get(request.product.sku);
      for (const response of responses) expect(response).to.deep.equal(stored);
    });

    it('create one product if the keys differ and the SKUs are equal, and return it to only one client', async () => {
      const product = aProduct();
      const responses = await race((client, n) =>
        client.createProduct({ requestId: uuidv7(), product: { ...product, name: `Name ${n}` } }),
      );
      const created = responses.filter((response) => typeof response === 'object');
      expect(created).to.deep.equal([await get(product.sku)]);
      const rejected = responses.filter((response) => response === 'PRODUCT_ALREADY_EXISTS');
      expect(rejected).to.have.length(clients.length - 1);
    });

    it('create one product if the keys are equal but the bodies differ', async () => {
      const requestId = uuidv7();
      const products = clients.map(() => aProduct());
      const responses = await race((client, n) =>
        client.createProduct({ requestId, product: products[n] ?? aProduct() }),
      );
      expect(responses.filter((response) => response === 'REQUEST_ID_REUSED')).to.have.length(
        clients.length - 1,
      );
      const stored = await catalog.client.batchGetProducts({ skus: products.map(({ sku }) => sku) });
      expect(stored.products).to.deep.equal(responses.filter((response) => typeof response === 'object'));
    });

    it('increase the revision of the product by one with each update', async () => {
      const { sku } = await create();
      const responses = await race((client, n) =>
        client.updateProduct({ requestId: uuidv7(), product: aProduct({ sku, name: `Name ${n}` }) }),
      );
      const products = responses.filter((response) => typeof response === 'object');
      const byRevision = products.toSorted((a, b) => Number(a.revision - b.revision));
      expect(byRevision.map(({ revision }) => Number(revision))).to.deep.equal(clients.map((_, n) => n + 2));
      expect(await get(sku)).to.deep.equal(byRevision.at(-1));
      const times = byRevision.map(({ updateTime }) => updateTime?.getTime() ?? 0);
      expect(times).to.deep.equal(times.toSorted((a, b) => a - b));
    });

    it('apply only one of several updates that expect the same revision', async () => {
      const { sku } = await create();
      const responses = await race((client, n) =>
        client.updateProduct({
          requestId: uuidv7(),
          product: aProduct({ sku, revision: 1n, name: `Name ${n}` }),
        }),
      );
      expect(responses.filter((response) => response === 'CONFLICT')).to.have.length(clients.length - 1);
      expect([await get(sku)]).to.deep.equal(responses.filter((response) => typeof response === 'object'));
    });

    it('delete the product once during concurrent updates', async () => {
      const { sku } = await create();
      const responses = await race(async (client, n) =>
        n % 2 === 0
          ? { ...(await client.deleteProduct({ requestId: uuidv7(), sku })), product: aProduct({ sku }) }
          : client.updateProduct({ requestId: uuidv7(), product: aProduct({ sku }) }),
      );
      const deleted = responses.filter((response, n) => n % 2 === 0 && typeof response === 'object');
      expect(deleted).to.have.length(1);
      const rejected = responses.filter((response) => typeof response === 'string');
      expect(new Set(rejected)).to.deep.equal(new Set(['PRODUCT_NOT_FOUND']));
      await expectReason(catalog.client.getProduct({ sku }), 'PRODUCT_NOT_FOUND');
    });
  });
});
