import { expect } from 'chai';
import { Gate, refusing, takingMs } from '../../../pkg/order/testing/faults.js';
import { confirmedTimeline, forwardSteps } from '../../../pkg/order/testing/timeline.js';
import { expectReason } from '../../support/expect-reason.js';
import { useOrders } from '../../support/order/fixture.js';

describe('CreateOrder', () => {
  const fixture = useOrders();

  it('reserves, authorizes, commits, captures and confirms, with a timeline entry for each step', async () => {
    const order = await fixture.create();

    expect(order.state).to.equal('CONFIRMED');
    expect(fixture.ports.stepsOf(order.id)).to.deep.equal(forwardSteps);
    expect(await fixture.finishedTimeline(order.id)).to.deep.equal(confirmedTimeline);
    expect(await fixture.orders.getOrder(order.id, 'ada')).to.deep.equal(order);
  });

  it('executes two statements in the order database', async () => {
    await fixture.create();

    expect(fixture.replica.statements).to.deep.equal(['order.accept', 'saga.record']);
  });

  it('executes two statements when the payment is slow, and shows its watchers the steps before it', async () => {
    const gate = new Gate();
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', gate.beforeEffect(takingMs(400)));
    const { signal } = new AbortController();
    const call = fixture.create();
    await gate.reached;
    const id = fixture.ports.calls.at(-1)?.orderId ?? '';
    const statements = [...fixture.replica.statements];

    for await (const { step } of fixture.orders.watchOrder({ id, customerId: '', after: 0 }, signal))
      if (step === 'RESERVE_STOCK') break;
    const watched = fixture.replica.statements.length;
    gate.open();
    await call;

    expect([...statements, ...fixture.replica.statements.slice(watched)]).to.deep.equal([
      'order.accept',
      'saga.record',
    ]);
    expect(await fixture.finishedTimeline(id)).to.deep.equal(confirmedTimeline);
  });

  it('executes two statements for an order that is rejected at its first step', async () => {
    fixture.ports.faults.set('RESERVE_STOCK', refusing({ reason: 'OUT_OF_STOCK', skus: ['espresso'] }));

    await fixture.create();

    expect(fixture.replica.statements).to.deep.equal(['order.accept', 'saga.record']);
  });

  it('stores the prices at the time of the request, and their total', async () => {
    const items = [
      { sku: 'espresso', quantity: 2n },
      { sku: 'latte', quantity: 10_000n },
    ];
    const { id } = await fixture.create({ items });
    fixture.ports.setPrice('espresso', 'USD', 1n);

    const order = await fixture.orders.getOrder(id, 'ada');
    expect(order.lines.map(({ unitPrice }) => unitPrice.minor)).to.deep.equal([350n, 450n]);
    expect(order.total).to.deep.equal({ currency: 'USD', minor: 2n * 350n + 10_000n * 450n });
  });

  it('returns the lines sorted by SKU', async () => {
    const skus = ['10', '9', 'Z', '_', 'a', 'a-b', 'a.b', 'aB', 'ab'].toSorted();
    for (const sku of skus) fixture.ports.setPrice(sku, 'USD', 100n);

    const { id } = await fixture.create({ items: skus.map((sku) => ({ sku, quantity: 1n })) });

    const order = await fixture.orders.getOrder(id, '');
    expect(order.lines.map(({ sku }) => sku)).to.deep.equal(skus);
  });

  it('counts confirmed and rejected orders', async () => {
    await fixture.create();
    fixture.ports.faults.set('RESERVE_STOCK', refusing({ reason: 'OUT_OF_STOCK' }));
    await fixture.create();
    await fixture.create();

    const metrics = await fixture.replica.metrics();
    expect(metrics).to.contain('orders_created_total{status="success"} 1');
    expect(metrics).to.contain('orders_created_total{status="failed"} 2');
  });

  it('creates an order that other customers cannot read', async () => {
    const { id } = await fixture.create();
    const watch = fixture.orders.watchOrder(
      { id, customerId: 'bob', after: 0 },
      new AbortController().signal,
    );

    await expectReason(fixture.orders.getOrder(id, 'bob'), 'ORDER_NOT_FOUND');
    await expectReason(fixture.orders.getTimeline(id, 'bob'), 'ORDER_NOT_FOUND');
    await expectReason(watch[Symbol.asyncIterator]().next(), 'ORDER_NOT_FOUND');
  });
});
