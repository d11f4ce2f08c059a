import { expect } from 'chai';
import { failing, Gate } from '../../../pkg/order/testing/faults.js';
import { sql } from '../../../pkg/postgres/index.js';
import { useOrders } from '../../support/order/fixture.js';
import { callOptions, fastRecovery } from '../../support/order/replica.js';
import { waitFor } from '../../support/wait-for.js';

const countByDriver = sql(
  'test.count_parked_orders',
  `select count(*)::int as parked from orders
   where state = 'PENDING' and driver is null and next_attempt_at is not null`,
);

describe('an order whose step stays in doubt', () => {
  const limit = 4;
  const fixture = useOrders({ ORDER_MAX_IN_FLIGHT: String(limit), SAGA_RETRY_CAP: '10s' });
  const down = failing(new Error('down'));

  const parked = async (): Promise<number> =>
    (await fixture.database.db.query<{ parked: number }>(countByDriver()))[0]?.parked ?? 0;

  it('is parked after three attempts, without a driver and with the time of its next attempt', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', down);
    const { id } = await fixture.accept();

    const order = await waitFor(async () => {
      const current = await fixture.orders.getOrder(id, '');
      return current.nextAttemptAt && current;
    }, 'parked order');

    expect(order).to.include({ state: 'PENDING', step: 'AUTHORIZE_PAYMENT' });
    expect(fixture.ports.stepsOf(id)).to.deep.equal([
      'RESERVE_STOCK',
      ...Array<string>(3).fill('AUTHORIZE_PAYMENT'),
    ]);
    fixture.ports.faults.clear();
    await fixture.start(fastRecovery);
    await fixture.finishedTimeline(id);
  });

  it('uses no slot, so that other orders are accepted and confirmed', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', async (order, options, effect) =>
      order.paymentMethod === 'pm_in_doubt' ? down(order, options, effect) : undefined,
    );
    const inDoubt = [];
    for (let batch = 1; batch <= 3; batch += 1) {
      for (let index = 0; index < limit; index += 1)
        inDoubt.push(await fixture.accept({ paymentMethod: 'pm_in_doubt' }));
      await waitFor(async () => (await parked()) === batch * limit, 'parked orders of the batch');
    }

    expect((await fixture.create()).state).to.equal('CONFIRMED');

    fixture.ports.faults.clear();
    await fixture.start(fastRecovery);
    for (const { id } of inDoubt) await fixture.finishedTimeline(id);
  });

  it('answers the waiting caller after the parked order is confirmed on another replica', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', down);
    const call = fixture.create();
    await waitFor(async () => (await parked()) === 1, 'parked order');

    fixture.ports.faults.clear();
    await fixture.start(fastRecovery);

    expect((await call).state).to.equal('CONFIRMED');
  });

  it('can be cancelled while it is parked', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', down);
    const { id } = await fixture.accept();
    await waitFor(async () => (await parked()) === 1, 'parked order');

    const order = await fixture.cancel(id);

    expect(order).to.include({ state: 'CANCELLED', nextAttemptAt: undefined });
  });

  it('is attempted once when it is due again', async () => {
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', down);
    const { id } = await fixture.accept();
    await waitFor(async () => (await parked()) === 1, 'parked order');
    const gate = new Gate();
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', gate.beforeEffect(down));
    const replica = await fixture.start(fastRecovery);
    await gate.reached;

    gate.open();
    await waitFor(async () => (await parked()) === 1, 'order that is parked again');

    expect((await fixture.orders.getOrder(id, '')).revision).to.equal(6);
    fixture.ports.faults.clear();
    expect((await fixture.finishedTimeline(id, replica.orders)).at(-1)).to.equal('CONFIRM → CONFIRMED');
  });

  it('leaves a cancellation to recovery when no slot is free', async () => {
    const gate = new Gate();
    const orders = [];
    for (let index = 0; index < 8; index += 1) orders.push(await fixture.create());
    fixture.ports.faults.set('REFUND_PAYMENT', gate.beforeEffect());

    const cancelled = await Promise.all(
      orders.map(({ id }) => fixture.cancel(id, fixture.orders, callOptions(200))),
    );

    expect(cancelled.map(({ state }) => state)).to.deep.equal(Array(8).fill('CANCELLING'));
    expect(fixture.ports.calls.filter(({ step }) => step === 'REFUND_PAYMENT')).to.have.lengthOf(limit);
    expect((await fixture.create()).state).to.equal('CONFIRMED');
    gate.open();
    const successor = await fixture.start(fastRecovery);
    for (const { id } of orders)
      expect((await fixture.finishedTimeline(id, successor.orders)).at(-1)).to.equal('CANCEL → CANCELLED');
  });
});
