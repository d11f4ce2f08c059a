import { expect } from 'chai';
import { AppError } from '../../pkg/errors/index.js';
import { parseCreateOrder } from '../../pkg/order/grpc-parse.js';
import { anOrderRequest } from '../../pkg/order/testing/builders.js';
import { Gate } from '../../pkg/order/testing/faults.js';
import { sql } from '../../pkg/postgres/index.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import { useOrders } from './order-bench.js';
import { patience } from './order-replica.js';

const countOrders = sql('test.order_count', 'select count(*)::int as orders from orders');

describe('the request id of an order', () => {
  const bench = useOrders();

  const countStored = async (): Promise<number> => {
    const [row] = await bench.database.db.query<{ orders: number }>(countOrders);
    return row?.orders ?? 0;
  };

  it('stands for one order, however often it is sent', async () => {
    const request = anOrderRequest();
    const first = await bench.orders.createOrder(request, patience());
    const another = await bench.start();

    expect(await bench.orders.createOrder(request, patience())).to.deep.equal(first);
    expect(await another.orders.createOrder(request, patience())).to.deep.equal(first);
    expect(bench.ports.stepsOf(first.id)).to.have.lengthOf(4);
  });

  it('stands for the same request in any line order, and with lines split', async () => {
    const lines = [
      ['espresso', 1n],
      ['latte', 2n],
      ['espresso', 3n],
    ] as const;
    const wire = { requestId: uuidv7(), customerId: 'ada', paymentMethod: 'pm_approve' };
    const place = (items: readonly (readonly [string, bigint])[]) => {
      const request = parseCreateOrder({
        ...wire,
        items: items.map(([sku, quantity]) => ({ sku, quantity })),
      });
      return bench.orders.createOrder(request, patience());
    };
    const order = await place(lines);

    expect(await place(lines.toReversed())).to.deep.equal(order);
    const summed = [
      ['latte', 2n],
      ['espresso', 4n],
    ] as const;
    expect(await place(summed)).to.deep.equal(order);
  });

  it('stands for the order while it is still under way', async () => {
    const gate = new Gate();
    bench.ports.faults.set('AUTHORIZE_PAYMENT', gate.before());
    const another = await bench.start();
    const request = anOrderRequest();
    const first = bench.orders.createOrder(request, patience());
    await gate.reached;

    const repeats = [bench.orders, another.orders].map((orders) => orders.createOrder(request, patience()));
    gate.open();

    const order = await first;
    expect(order.state).to.equal('CONFIRMED');
    for (const repeat of await Promise.all(repeats)) expect(repeat).to.deep.equal(order);
  });

  it('stands for one order when equal requests race over many connections of two replicas', async () => {
    const another = await bench.start();
    const before_ = await countStored();
    const requests = Array.from({ length: 5 }, () => anOrderRequest());

    const orders = await Promise.all(
      Array.from({ length: 60 }, (_, index) => {
        const replica = index % 2 === 0 ? bench.replica : another;
        return replica.orders.createOrder(requests[index % 5] ?? anOrderRequest(), patience());
      }),
    );

    expect(orders.map(({ state }) => state)).to.deep.equal(Array(60).fill('CONFIRMED'));
    expect(new Set(orders.map(({ id }) => id)).size).to.equal(5);
    expect(await countStored()).to.equal(before_ + 5);
    for (const { id } of orders.slice(0, 5)) expect(bench.ports.stepsOf(id)).to.have.lengthOf(4);
  });

  it('cannot be used again for something else', async () => {
    const request = anOrderRequest();
    await bench.orders.createOrder(request, patience());
    const others = [
      { ...request, items: [{ sku: 'espresso', quantity: 3n }] },
      { ...request, items: [{ sku: 'latte', quantity: 2n }] },
      { ...request, items: [...request.items, { sku: 'latte', quantity: 1n }] },
      { ...request, paymentMethod: 'pm_other' },
      { ...request, items: [{ sku: 'no-such-product', quantity: 2n }] },
    ];

    for (const other of others) {
      const error = await expectReason(bench.orders.createOrder(other, patience()), 'REQUEST_ID_REUSED');
      expect(error.metadata).to.deep.equal({ request_id: request.requestId });
    }
  });

  it('of one customer means nothing for another', async () => {
    const request = anOrderRequest();
    const ofAda = await bench.orders.createOrder(request, patience());

    const ofBob = await bench.orders.createOrder({ ...request, customerId: 'bob' }, patience());

    expect(ofBob.id).not.to.equal(ofAda.id);
    expect(ofBob).to.include({ customerId: 'bob', state: 'CONFIRMED' });
  });

  it('may be empty: then every request is a new order', async () => {
    const first = await bench.create({ requestId: '' });
    const second = await bench.create({ requestId: '' });

    expect(second.id).not.to.equal(first.id);
    expect(first.requestId).not.to.equal('').and.not.to.equal(second.requestId);
  });

  describe('still stands for its order', () => {
    const changes: Record<string, () => void> = {
      'when the catalog is away': () => {
        bench.ports.catalogFailure = new AppError({ reason: 'DEPENDENCY_UNAVAILABLE', message: 'away' });
      },
      'when the price has changed': () => void bench.ports.sells('espresso', 'USD', 999n),
      'when the product is deleted': () => void bench.ports.products.delete('espresso'),
      'when the prices are in two currencies now': () => void bench.ports.sells('latte', 'JPY', 450n),
      'when the total would be too large now': () =>
        void bench.ports.sells('espresso', 'USD', BigInt(Number.MAX_SAFE_INTEGER)),
    };
    for (const [when, change] of Object.entries(changes))
      it(when, async () => {
        const items = ['espresso', 'latte'].map((sku) => ({ sku, quantity: 2n }));
        const request = anOrderRequest({ items });
        const order = await bench.orders.createOrder(request, patience());

        change();

        expect(await bench.orders.createOrder(request, patience())).to.deep.equal(order);
      });
  });

  describe('is not used up, and nothing is stored,', () => {
    const refusals = {
      'by an unknown product': [['espresso', 'no-such-product'], 'PRODUCT_NOT_FOUND'],
      'by prices in two currencies': [['espresso', 'headphones'], 'CURRENCY_MISMATCH'],
      'by a total that is too large': [['yacht'], 'VALIDATION_FAILED'],
    } as const;
    for (const [what, [skus, reason]] of Object.entries(refusals))
      it(what, async () => {
        bench.ports.sells('yacht', 'USD', BigInt(Number.MAX_SAFE_INTEGER));
        const before_ = await countStored();
        const request = anOrderRequest({ items: skus.map((sku) => ({ sku, quantity: 2n })) });

        await expectReason(bench.orders.createOrder(request, patience()), reason);

        expect(await countStored()).to.equal(before_);
        const another = { ...request, items: anOrderRequest().items };
        expect(await bench.orders.createOrder(another, patience())).to.include({ state: 'CONFIRMED' });
      });

    it('by a catalog that is away', async () => {
      const before_ = await countStored();
      bench.ports.catalogFailure = new AppError({ reason: 'DEPENDENCY_UNAVAILABLE', message: 'away' });

      await expectReason(bench.create(), 'DEPENDENCY_UNAVAILABLE');

      expect(await countStored()).to.equal(before_);
    });
  });
});
