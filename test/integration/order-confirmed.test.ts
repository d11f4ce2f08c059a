import { expect } from 'chai';
import { refusing } from '../../pkg/order/testing/faults.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { useOrders } from './order-bench.js';

describe('an order', () => {
  const bench = useOrders();

  it('is reserved, authorized, committed, captured and confirmed, each step in its timeline', async () => {
    const order = await bench.create();

    expect(order.state).to.equal('CONFIRMED');
    expect(bench.ports.stepsOf(order.id)).to.deep.equal([
      'RESERVE_STOCK',
      'AUTHORIZE_PAYMENT',
      'COMMIT_STOCK',
      'CAPTURE_PAYMENT',
    ]);
    expect(await bench.storyOf(order.id)).to.deep.equal([
      'ACCEPT → PENDING',
      'RESERVE_STOCK',
      'AUTHORIZE_PAYMENT',
      'COMMIT_STOCK',
      'CAPTURE_PAYMENT',
      'CONFIRM → CONFIRMED',
    ]);
    expect(await bench.orders.getOrder(order.id, 'ada')).to.deep.equal(order);
  });

  it('costs two commits in the order database and no read', async () => {
    await bench.create();

    expect(bench.replica.statements).to.deep.equal(['order.accept', 'saga.record']);
  });

  it('costs no more when it is rejected at once', async () => {
    bench.ports.faults.set('RESERVE_STOCK', refusing({ reason: 'OUT_OF_STOCK', skus: ['espresso'] }));

    await bench.create();

    expect(bench.replica.statements).to.deep.equal(['order.accept', 'saga.record']);
  });

  it('keeps a snapshot of the prices, and their sum', async () => {
    const items = [
      { sku: 'espresso', quantity: 2n },
      { sku: 'latte', quantity: 10_000n },
    ];
    const { id } = await bench.create({ items });
    bench.ports.sells('espresso', 'USD', 1n);

    const order = await bench.orders.getOrder(id, 'ada');
    expect(order.lines.map(({ unitPrice }) => unitPrice.minor)).to.deep.equal([350n, 450n]);
    expect(order.total).to.deep.equal({ currency: 'USD', minor: 2n * 350n + 10_000n * 450n });
  });

  it('keeps its lines in SKU order', async () => {
    const skus = ['10', '9', 'Z', '_', 'a', 'a-b', 'a.b', 'aB', 'ab'].toSorted();
    for (const sku of skus) bench.ports.sells(sku, 'USD', 100n);

    const { id } = await bench.create({ items: skus.map((sku) => ({ sku, quantity: 1n })) });

    const order = await bench.orders.getOrder(id, '');
    expect(order.lines.map(({ sku }) => sku)).to.deep.equal(skus);
  });

  it('is counted when it is confirmed or rejected', async () => {
    await bench.create();
    bench.ports.faults.set('RESERVE_STOCK', refusing({ reason: 'OUT_OF_STOCK' }));
    await bench.create();
    await bench.create();

    const metrics = await bench.replica.metrics();
    expect(metrics).to.contain('orders_created_total{status="success"} 1');
    expect(metrics).to.contain('orders_created_total{status="failed"} 2');
  });

  it('is shown to nobody but its customer', async () => {
    const { id } = await bench.create();
    const watch = bench.orders.watchOrder({ id, customerId: 'bob', after: 0 }, new AbortController().signal);

    await expectReason(bench.orders.getOrder(id, 'bob'), 'ORDER_NOT_FOUND');
    await expectReason(bench.orders.getTimeline(id, 'bob'), 'ORDER_NOT_FOUND');
    await expectReason(watch[Symbol.asyncIterator]().next(), 'ORDER_NOT_FOUND');
  });
});
