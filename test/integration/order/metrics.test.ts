import { expect } from 'chai';
import { money } from '../../../pkg/money/index.js';
import { failing, Gate, inSequence, times } from '../../../pkg/order/testing/faults.js';
import { sql } from '../../../pkg/postgres/index.js';
import { waitFor } from '../../support/wait-for.js';
import { useOrders } from '../../support/order/fixture.js';
import { callOptions, fastRecovery, type Replica } from '../../support/order/replica.js';

const acceptAnHourAgo = sql(
  'test.order_accepted_an_hour_ago',
  `update orders set created_at = now() - interval '1 hour' where id = $id`,
);

const dueAnHourAgo = sql(
  'test.order_due_an_hour_ago',
  `update orders set next_attempt_at = now() - interval '1 hour' where id = $id`,
);

const refundBegunAnHourAgo = sql(
  'test.refund_begun_an_hour_ago',
  `update order_refunds set created_at = now() - interval '1 hour' where order_id = $orderId`,
);

const setCurrency = sql(
  'test.order_metrics_set_currency',
  'update orders set currency = $currency where id = $id',
);

describe('order metrics', () => {
  // The gauges count all orders in the database, so each test starts without orders.
  const fixture = useOrders({ ORDER_MAX_IN_FLIGHT: '7' });
  const truncate = sql('test.truncate_orders', 'truncate orders, order_lines_stored, order_timeline');
  afterEach(() => fixture.database.db.query(truncate()));

  async function valueOf(series: string, replica: Replica = fixture.replica): Promise<number | undefined> {
    const lines = (await replica.metrics()).split('\n');
    const line = lines.find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  async function waitForValue(series: string, value: number, replica?: Replica): Promise<void> {
    await waitFor(async () => (await valueOf(series, replica)) === value, `value ${value} of ${series}`);
  }

  it('count the orders in the database, with equal values on every replica', async () => {
    const orders = await Promise.all([1, 2, 3].map(() => fixture.create()));
    await fixture.cancel(orders[0]?.id ?? '');
    const other = await fixture.start();
    for (const replica of [fixture.replica, other]) {
      await waitForValue('orders_by_state{state="CONFIRMED"}', 2, replica);
      await waitForValue('orders_by_state{state="CANCELLED"}', 1, replica);
      await waitForValue('orders_by_state{state="PENDING"}', 0, replica);
      await waitForValue('orders_oldest_unfinished_age_seconds', 0, replica);
      await waitForValue('orders_in_doubt{step="CAPTURE_PAYMENT"}', 0, replica);
    }
  });

  it('show the age of the oldest unfinished order', async () => {
    const gate = new Gate();
    fixture.ports.faults.set('RESERVE_STOCK', gate.beforeEffect());
    const { id } = await fixture.accept();
    await fixture.database.db.query(acceptAnHourAgo({ id }));
    const age = async (): Promise<number> => (await valueOf('orders_oldest_unfinished_age_seconds')) ?? 0;
    await waitFor(async () => (await age()) >= 3600, 'order age of one hour');
    gate.open();
    await fixture.untilTerminal(id);
  });

  it('show the time since the cancellation of a CANCELLING order', async () => {
    const { id } = await fixture.create();
    await fixture.database.db.query(acceptAnHourAgo({ id }));
    const gate = new Gate();
    fixture.ports.faults.set('REFUND_PAYMENT', gate.beforeEffect());
    await fixture.cancel(id, fixture.orders, callOptions(1));
    await waitForValue('orders_by_state{state="CANCELLING"}', 1);
    expect(await valueOf('orders_oldest_unfinished_age_seconds')).to.be.within(0, 3599);
    gate.open();
    await fixture.untilTerminal(id);
  });

  it('count orders in doubt and retries by step', async () => {
    const gate = new Gate();
    const down = failing(new Error('down'));
    fixture.ports.faults.set('CAPTURE_PAYMENT', inSequence(down, down, gate.beforeEffect()));
    const { id } = await fixture.accept();
    await waitForValue('orders_in_doubt{step="CAPTURE_PAYMENT"}', 1);
    expect(await valueOf('orders_in_doubt{step="RESERVE_STOCK"}')).to.equal(0);
    gate.open();
    await fixture.untilTerminal(id);
    await waitForValue('orders_in_doubt{step="CAPTURE_PAYMENT"}', 0);
    expect(await valueOf('saga_step_retries_total{step="CAPTURE_PAYMENT"}')).to.equal(2);
    expect(await valueOf('saga_step_retries_total{step="RESERVE_STOCK"}')).to.equal(0);
  });

  it('count parked orders, and show for how long the longest due of them has been due', async () => {
    fixture.ports.faults.set('CAPTURE_PAYMENT', failing(new Error('down')));
    const { id } = await fixture.accept();
    await waitForValue('orders_parked', 1);
    await fixture.database.db.query(dueAnHourAgo({ id }));
    await waitFor(
      async () => ((await valueOf('orders_parked_overdue_seconds')) ?? 0) >= 3600,
      'overdue time of one hour',
    );
    fixture.ports.faults.clear();
    await fixture.start();
    await fixture.untilTerminal(id);
    await waitForValue('orders_parked', 0);
    await waitForValue('orders_parked_overdue_seconds', 0);
  });

  it('count the parked orders that no replica can read, until one can', async () => {
    fixture.ports.faults.set('CAPTURE_PAYMENT', failing(new Error('down')));
    await fixture.accept();
    await waitForValue('orders_parked', 1);
    const [{ id } = { id: '' }] = await fixture.storeOrphans(1);
    await fixture.database.db.query(setCurrency({ id, currency: 'ZZZ' }));
    const replica = await fixture.start(fastRecovery);
    await waitForValue('orders_parked_set_aside', 1, replica);
    fixture.ports.faults.clear();
    await fixture.database.db.query(setCurrency({ id, currency: 'USD' }));
    await fixture.untilTerminal(id);
    await waitForValue('orders_parked_set_aside', 0, replica);
  });

  it('count each attempt of a step by outcome', async () => {
    fixture.ports.faults.set('COMMIT_STOCK', times(3, failing(new Error('down'))));
    await fixture.create();
    const attemptCount = (step: string, outcome: string): Promise<number | undefined> =>
      valueOf(`saga_step_duration_seconds_count{step="${step}",outcome="${outcome}"}`);
    expect(await attemptCount('COMMIT_STOCK', 'in_doubt')).to.equal(3);
    expect(await attemptCount('COMMIT_STOCK', 'succeeded')).to.equal(1);
    expect(await attemptCount('CAPTURE_PAYMENT', 'succeeded')).to.equal(1);
    expect(await attemptCount('CAPTURE_PAYMENT', 'refused')).to.equal(0);
  });

  it('show the number of pending refunds and the age of the oldest', async () => {
    const { id: orderId } = await fixture.create();
    const gate = new Gate();
    fixture.ports.refunds.faults.push(async () => {
      await gate.opened();
      return undefined;
    });
    const request = { requestId: 'r', orderId, amount: money('USD', 200n), actor: 'grace', reason: 'broken' };
    const refund = fixture.orders.operators.refundOrder(request, callOptions());
    await gate.reached;
    await fixture.database.db.query(refundBegunAnHourAgo({ orderId }));
    const age = async (): Promise<number> => (await valueOf('order_refunds_oldest_pending_age_seconds')) ?? 0;
    await waitFor(async () => (await age()) >= 3600, 'refund age of one hour');
    expect(await valueOf('order_refunds_pending')).to.equal(1);

    gate.open();
    await refund;

    await waitForValue('order_refunds_pending', 0);
    await waitForValue('order_refunds_oldest_pending_age_seconds', 0);
  });

  it('show the number of running sagas and their limit, and count recovered orders', async () => {
    const gate = new Gate();
    fixture.ports.faults.set('AUTHORIZE_PAYMENT', gate.beforeEffect());
    const orders = await Promise.all([1, 2].map(() => fixture.accept()));
    expect(await valueOf('sagas_active')).to.equal(2);
    expect(await valueOf('sagas_limit')).to.equal(7);
    await fixture.stopHeartbeats();
    const successor = await fixture.start();
    await waitFor(
      async () => (await valueOf('sagas_recovered_total', successor)) === 2,
      'recovery of both orders',
    );
    expect(await valueOf('sagas_recovered_total')).to.equal(0);
    gate.open();
    await Promise.all(orders.map(({ id }) => fixture.untilTerminal(id)));
    await waitForValue('sagas_active', 0);
    await waitForValue('sagas_active', 0, successor);
  });
});
