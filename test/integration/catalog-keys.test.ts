import { expect } from 'chai';
import { aProduct } from '../../pkg/catalog/testing/builders.js';
import { isAppError } from '../../pkg/errors/index.js';
import { money, toWire } from '../../pkg/money/index.js';
import type { Product } from '../../pkg/pb/catalog/v1/catalog.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import { startCatalogForTest, type CatalogClient, type TestCatalog } from './catalog-server.js';

describe('keyed changes of products', () => {
  let catalog: TestCatalog;

  before(async () => {
    catalog = await startCatalogForTest();
  });
  after(() => catalog.close());

  const create = async (given: Partial<Product> = {}, requestId = uuidv7()): Promise<Product> => {
    const { product } = await catalog.client.createProduct({ requestId, product: aProduct(given) });
    return product ?? expect.fail('no product');
  };
  const get = async (sku: string): Promise<Product | undefined> =>
    (await catalog.client.getProduct({ sku })).product;

  describe('repeated with an equal body', () => {
    it('answer a creation as the first time, also after the product has changed', async () => {
      const request = { requestId: uuidv7(), product: aProduct() };
      const first = await catalog.client.createProduct(request);
      await catalog.client.updateProduct({ requestId: '', product: { ...request.product, name: 'Other' } });
      expect(await catalog.client.createProduct(request)).to.deep.equal(first);
      expect(await get(request.product.sku)).to.include({ name: 'Other', revision: 2n });
    });

    it('answer an update as the first time, and change nothing more', async () => {
      const product = { ...(await create()), name: 'Changed', revision: 1n };
      const request = { requestId: uuidv7(), product, updateMask: ['name'] };
      const first = await catalog.client.updateProduct(request);
      expect(await catalog.client.updateProduct(request)).to.deep.equal(first);
      expect(await get(product.sku)).to.deep.equal(first.product);
    });

    it('answer a deletion as the first time', async () => {
      const request = { requestId: uuidv7(), sku: (await create()).sku };
      await catalog.client.deleteProduct(request);
      expect(await catalog.client.deleteProduct(request)).to.deep.equal({});
    });

    it('stay refused, also when they would succeed by now', async () => {
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

  describe('with a key that was used for another body', () => {
    it('are refused and change nothing', async () => {
      const requestId = uuidv7();
      const product = await create({}, requestId);
      const { sku } = product;
      const price = toWire(money('USD', 1));
      for (const other of [{ sku: 'x' }, { name: 'x' }, { description: 'x' }, { price }]) {
        const request = { requestId, product: { ...product, ...other } };
        await expectReason(catalog.client.createProduct(request), 'REQUEST_ID_REUSED');
      }
      expect(await get(sku)).to.deep.equal(product);
      await expectReason(catalog.client.getProduct({ sku: 'x' }), 'PRODUCT_NOT_FOUND');
    });

    it('are refused for an update with another mask or revision', async () => {
      const product = { ...(await create()), name: 'Changed', revision: 1n };
      const request = { requestId: uuidv7(), product, updateMask: ['name'] };
      await catalog.client.updateProduct(request);
      for (const other of [
        { updateMask: ['name', 'description'] },
        { updateMask: [] },
        { product: { ...product, revision: 0n } },
        { product: { ...product, name: 'Another' } },
      ])
        await expectReason(catalog.client.updateProduct({ ...request, ...other }), 'REQUEST_ID_REUSED');
      expect(await get(product.sku)).to.include({ name: 'Changed', revision: 2n });
    });

    it('are refused for the deletion of another product', async () => {
      const [gone, kept] = [await create(), await create()];
      const requestId = uuidv7();
      await catalog.client.deleteProduct({ requestId, sku: gone.sku });
      await expectReason(catalog.client.deleteProduct({ requestId, sku: kept.sku }), 'REQUEST_ID_REUSED');
      expect(await get(kept.sku)).to.deep.equal(kept);
    });

    it('are independent when they are different kinds of change', async () => {
      const requestId = uuidv7();
      const product = await create({}, requestId);
      await catalog.client.updateProduct({ requestId, product });
      await catalog.client.deleteProduct({ requestId, sku: product.sku });
    });
  });

  describe('racing over many connections', () => {
    let clients: CatalogClient[];

    before(() => {
      clients = catalog.clients(24);
    });

    /** What each client got: a product, or the reason why not. */
    const race = (call: (client: CatalogClient, n: number) => Promise<{ product?: Product | undefined }>) =>
      Promise.all(
        clients.map((client, n) =>
          call(client, n).then(
            ({ product }) => product,
            (error: unknown) => (isAppError(error) ? error.reason : expect.fail(String(error))),
          ),
        ),
      );

    it('create one product with equal keys, and all hear of it', async () => {
      const request = { requestId: uuidv7(), product: aProduct() };
      const answers = await race((client) => client.createProduct(request));
      const stored = await get(request.product.sku);
      for (const answer of answers) expect(answer).to.deep.equal(stored);
    });

    it('create one product with keys of their own, and one hears of it', async () => {
      const wanted = aProduct();
      const answers = await race((client, n) =>
        client.createProduct({ requestId: uuidv7(), product: { ...wanted, name: `Name ${n}` } }),
      );
      const created = answers.filter((answer) => typeof answer === 'object');
      expect(created).to.deep.equal([await get(wanted.sku)]);
      const refused = answers.filter((answer) => answer === 'PRODUCT_ALREADY_EXISTS');
      expect(refused).to.have.length(clients.length - 1);
    });

    it('create one product with an equal key and bodies of their own', async () => {
      const requestId = uuidv7();
      const wanted = clients.map(() => aProduct());
      const answers = await race((client, n) =>
        client.createProduct({ requestId, product: wanted[n] ?? aProduct() }),
      );
      expect(answers.filter((answer) => answer === 'REQUEST_ID_REUSED')).to.have.length(clients.length - 1);
      const { products } = await catalog.client.batchGetProducts({ skus: wanted.map(({ sku }) => sku) });
      expect(products).to.deep.equal(answers.filter((answer) => typeof answer === 'object'));
    });

    it('update one after the other, each revision once', async () => {
      const { sku } = await create();
      const answers = await race((client, n) =>
        client.updateProduct({ requestId: uuidv7(), product: aProduct({ sku, name: `Name ${n}` }) }),
      );
      const products = answers.filter((answer) => typeof answer === 'object');
      const inOrder = products.toSorted((a, b) => Number(a.revision - b.revision));
      expect(inOrder.map(({ revision }) => Number(revision))).to.deep.equal(clients.map((_, n) => n + 2));
      expect(await get(sku)).to.deep.equal(inOrder.at(-1));
      const times = inOrder.map(({ updateTime }) => updateTime?.getTime() ?? 0);
      expect(times).to.deep.equal(times.toSorted((a, b) => a - b));
    });

    it('update once at one revision', async () => {
      const { sku } = await create();
      const answers = await race((client, n) =>
        client.updateProduct({
          requestId: uuidv7(),
          product: aProduct({ sku, revision: 1n, name: `Name ${n}` }),
        }),
      );
      expect(answers.filter((answer) => answer === 'CONFLICT')).to.have.length(clients.length - 1);
      expect([await get(sku)]).to.deep.equal(answers.filter((answer) => typeof answer === 'object'));
    });

    it('delete once, whatever is updated meanwhile', async () => {
      const { sku } = await create();
      const answers = await race(async (client, n) =>
        n % 2 === 0
          ? { ...(await client.deleteProduct({ requestId: uuidv7(), sku })), product: aProduct({ sku }) }
          : client.updateProduct({ requestId: uuidv7(), product: aProduct({ sku }) }),
      );
      const deleted = answers.filter((answer, n) => n % 2 === 0 && typeof answer === 'object');
      expect(deleted).to.have.length(1);
      const refused = answers.filter((answer) => typeof answer === 'string');
      expect(new Set(refused)).to.deep.equal(new Set(['PRODUCT_NOT_FOUND']));
      await expectReason(catalog.client.getProduct({ sku }), 'PRODUCT_NOT_FOUND');
    });
  });
});
