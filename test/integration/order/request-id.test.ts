import { expect } from 'chai';
import { AppError } from '../../../pkg/errors/index.js';
import { parseCreateOrder } from '../../../pkg/order/grpc-parse.js';
import { anOrderRequest } from '../../../pkg/order/testing/builders.js';
import { Gate } from '../../../pkg/order/testing/faults.js';
import { sql } from '../../../pkg/postgres/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { useOrders } from '../../support/order/fixture.js';
import { callOptions } from '../../support/order/replica.js';

const countOrders = sql('test.order_count', 'select count(*)::int as orders from orders');

const setFingerprint = sql(
  'test.order_set_fingerprint',
  'update orders set fingerprint = $fingerprint where id = $id',
);

describe('the request id of CreateOrder', () => {
  const fixture = useOrders();

  const countStoredOrders = async (): Promise<number> => {
    const [row] = await fixture.database.db.query<{ orders: number }>(countOrders());
    return row?.orders ?? 0;
  };

  it('identifies one order when a request is repeated on any replica', async () => {
    const request = anOrderRequest();
    const first = await fixture.orders.createOrder(request, callOptions());
    const otherReplica = await fixture.start();

    expect(await fixture.orders.createOrder(request, callOptions())).to.deep.equal(first);
    expect(await otherReplica.orders.createOrder(request, callOptions())).to.deep.equal(first);
    expect(fixture.ports.stepsOf(first.id)).to.have.lengthOf(4);
  });

  it('identifies one order when a repeated request has reordered or merged items', async () => {
    const lines = [
      ['espresso', 1n],
      ['latte', 2n],
      ['espresso', 3n],
    ] as const;
    const wire = { requestId: uuidv7(), customerId: 'ada', paymentMethod: 'pm_approve' };
    const createWith = (items: readonly (readonly [string, bigint])[]) => {
      const request = parseCreateOrder({
        ...wire,
        items: items.map(([sku, quantity]) => ({ sku, quantity })),
      });
      return fixture.orders.createOrder(request, callOptions());
    };
    const order = await createWith(lines);

    expect(await createWith(lines.toReversed())).to.deep.equal(order);
    const summed = [
      ['latte', 2n],
      ['espresso', 4n],
    ] as const;
    expect(await createWith(summed)).to.deep.equal(order);
  });

  it('is compared by the stored fields when the stored fingerprint has a later version', async () => {
    const request = anOrderRequest();
    const order = await fixture.orders.createOrder(request, callOptions());
    await fixture.database.db.query(setFingerprint({ id: order.id, fingerprint: Buffer.of(2, 1) }));

    expect(await fixture.orders.createOrder(request, callOptions())).to.deep.equal(order);
    const others = [{ paymentMethod: 'pm_other' }, { items: [{ sku: 'espresso', quantity: 3n }] }];
    for (const changed of others)
      await expectReason(
        fixture.orders.createOrder({ ...request, ...changed }, callOptions()),
        'REQUEST_ID_REUSED',
      );
  });

  it('identifies an order that is in progress', async () => {
    const gate = new Gate();
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', gate.beforeEffect());
    const otherReplica = await fixture.start();
    const request = anOrderRequest();
    const first = fixture.orders.createOrder(request, callOptions());
    await gate.reached;

    const repeats = [fixture.orders, otherReplica.orders].map((orders) =>
      orders.createOrder(request, callOptions()),
    );
    gate.open();

    const order = await first;
    expect(order.state).to.equal('CONFIRMED');
    for (const repeat of await Promise.all(repeats)) expect(repeat).to.deep.equal(order);
  });

  it('identifies one order when equal requests race on two replicas', async () => {
    const otherReplica = await fixture.start();
    const storedBefore = await countStoredOrders();
    const requests = Array.from({ length: 5 }, () => anOrderRequest());

    const orders = await Promise.all(
      Array.from({ length: 60 }, (_, index) => {
        const replica = index % 2 === 0 ? fixture.replica : otherReplica;
        return replica.orders.createOrder(requests[index % 5] ?? anOrderRequest(), callOptions());
      }),
    );

    expect(orders.map(({ state }) => state)).to.deep.equal(Array(60).fill('CONFIRMED'));
    expect(new Set(orders.map(({ id }) => id)).size).to.equal(5);
    expect(await countStoredOrders()).to.equal(storedBefore + 5);
    for (const { id } of orders.slice(0, 5)) expect(fixture.ports.stepsOf(id)).to.have.lengthOf(4);
  });

  it('is rejected in a different request of the same customer', async () => {
    const request = anOrderRequest();
    await fixture.orders.createOrder(request, callOptions());
    const otherRequests = [
      { ...request, items: [{ sku: 'espresso', quantity: 3n }] },
      { ...request, items: [{ sku: 'latte', quantity: 2n }] },
      { ...request, items: [...request.items, { sku: 'latte', quantity: 1n }] },
      { ...request, paymentMethod: 'pm_other' },
      { ...request, items: [{ sku: 'no-such-product', quantity: 2n }] },
    ];

    for (const otherRequest of otherRequests) {
      const error = await expectReason(
        fixture.orders.createOrder(otherRequest, callOptions()),
        'REQUEST_ID_REUSED',
      );
      expect(error.metadata).to.deep.equal({ request_id: request.requestId });
    }
  });

  it('may be equal to a request id of another customer', async () => {
    const request = anOrderRequest();
    const adaOrder = await fixture.orders.createOrder(request, callOptions());

    const bobOrder = await fixture.orders.createOrder({ ...request, customerId: 'bob' }, callOptions());

    expect(bobOrder.id).not.to.equal(adaOrder.id);
    expect(bobOrder).to.include({ customerId: 'bob', state: 'CONFIRMED' });
  });

  it('may be empty; every request then creates an order', async () => {
    const first = await fixture.create({ requestId: '' });
    const second = await fixture.create({ requestId: '' });

    expect(second.id).not.to.equal(first.id);
    expect(first.requestId).not.to.equal('').and.not.to.equal(second.requestId);
  });

  describe('identifies the stored order', () => {
    const changes: Record<string, () => void> = {
      'when the catalog is unavailable': () => {
        fixture.ports.catalogFailure = new AppError({
          reason: 'DEPENDENCY_UNAVAILABLE',
          message: 'unavailable',
        });
      },
      'when the price has changed': () => void fixture.ports.setPrice('espresso', 'USD', 999n),
      'when the product is deleted': () => void fixture.ports.products.delete('espresso'),
      'when the prices now differ in currency': () => void fixture.ports.setPrice('latte', 'JPY', 450n),
      'when the total now exceeds the maximum': () =>
        void fixture.ports.setPrice('espresso', 'USD', BigInt(Number.MAX_SAFE_INTEGER)),
    };
    for (const [condition, change] of Object.entries(changes))
      it(condition, async () => {
        const items = ['espresso', 'latte'].map((sku) => ({ sku, quantity: 2n }));
        const request = anOrderRequest({ items });
        const order = await fixture.orders.createOrder(request, callOptions());

        change();

        expect(await fixture.orders.createOrder(request, callOptions())).to.deep.equal(order);
      });
  });

  describe('stays unused, and no order is stored,', () => {
    const failures = {
      'when a product is unknown': [['espresso', 'no-such-product'], 'PRODUCT_NOT_FOUND'],
      'when the prices differ in currency': [['espresso', 'headphones'], 'CURRENCY_MISMATCH'],
      'when the total exceeds the maximum': [['yacht'], 'VALIDATION_FAILED'],
    } as const;
    for (const [condition, [skus, reason]] of Object.entries(failures))
      it(condition, async () => {
        fixture.ports.setPrice('yacht', 'USD', BigInt(Number.MAX_SAFE_INTEGER));
        const storedBefore = await countStoredOrders();
        const request = anOrderRequest({ items: skus.map((sku) => ({ sku, quantity: 2n })) });

        await expectReason(fixture.orders.createOrder(request, callOptions()), reason);

        expect(await countStoredOrders()).to.equal(storedBefore);
        const corrected = { ...request, items: anOrderRequest().items };
        expect(await fixture.orders.createOrder(corrected, callOptions())).to.include({ state: 'CONFIRMED' });
      });

    it('when the catalog is unavailable', async () => {
      const storedBefore = await countStoredOrders();
      fixture.ports.catalogFailure = new AppError({
        reason: 'DEPENDENCY_UNAVAILABLE',
        message: 'unavailable',
      });

      const request = anOrderRequest();

      await expectReason(fixture.orders.createOrder(request, callOptions()), 'DEPENDENCY_UNAVAILABLE');

      expect(await countStoredOrders()).to.equal(storedBefore);
      fixture.ports.catalogFailure = undefined;
      const corrected = { ...request, items: [{ sku: 'latte', quantity: 1n }] };
      expect(await fixture.orders.createOrder(corrected, callOptions())).to.include({ state: 'CONFIRMED' });
    });
  });
});
