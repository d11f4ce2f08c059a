import { expect } from 'chai';
import { failing, Gate, inTurn, times } from '../../pkg/order/testing/faults.js';
import { sql } from '../../pkg/postgres/index.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { useOrders } from './order-bench.js';
import { patience, type Replica } from './order-replica.js';

const acceptedAnHourAgo = sql(
  'test.order_accepted_an_hour_ago',
  `update orders set created_at = now() - interval '1 hour' where id = $1`,
);

describe('the metrics of orders', () => {
  // Each test counts all orders there are.
  const bench = useOrders({ ORDER_MAX_IN_FLIGHT: '7' });
  const everything = sql('test.forget_orders', 'truncate orders, order_lines, order_timeline');
  afterEach(() => bench.database.db.query(everything));

  async function valueOf(series: string, replica: Replica = bench.replica): Promise<number | undefined> {
    const lines = (await replica.metrics()).split('\n');
    const line = lines.find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  async function untilShown(series: string, value: number, replica?: Replica): Promise<void> {
    await waitFor(async () => (await valueOf(series, replica)) === value, `${series} ${value}`);
  }

  it('count what is in the database, so that every replica shows the same', async () => {
    const orders = await Promise.all([1, 2, 3].map(() => bench.create()));
    await bench.cancel(orders[0]?.id ?? '');
    const other = await bench.start();
    for (const replica of [bench.replica, other]) {
      await untilShown('orders_by_state{state="CONFIRMED"}', 2, replica);
      await untilShown('orders_by_state{state="CANCELLED"}', 1, replica);
      await untilShown('orders_by_state{state="PENDING"}', 0, replica);
      await untilShown('orders_oldest_unfinished_age_seconds', 0, replica);
      await untilShown('orders_in_doubt{step="CAPTURE_PAYMENT"}', 0, replica);
    }
  });

  it('show how long the oldest unfinished order has waited: since it was accepted', async () => {
    const gate = new Gate();
    bench.ports.faults.set('RESERVE_STOCK', gate.before());
    const { id } = await bench.accept();
    await bench.database.db.query(acceptedAnHourAgo, [id]);
    const age = async (): Promise<number> => (await valueOf('orders_oldest_unfinished_age_seconds')) ?? 0;
    await waitFor(async () => (await age()) >= 3600, 'the age');
    gate.open();
    await bench.untilRest(id);
  });

  it('count the age of an order that is being cancelled from its cancellation', async () => {
    const { id } = await bench.create();
    await bench.database.db.query(acceptedAnHourAgo, [id]);
    const gate = new Gate();
    bench.ports.faults.set('REFUND_PAYMENT', gate.before());
    await bench.cancel(id, bench.orders, patience(1));
    await untilShown('orders_by_state{state="CANCELLING"}', 1);
    expect(await valueOf('orders_oldest_unfinished_age_seconds')).to.be.within(0, 3599);
    gate.open();
    await bench.untilRest(id);
  });

  it('tell at which step orders are in doubt, and how often it was repeated', async () => {
    const gate = new Gate();
    const down = failing(new Error('down'));
    bench.ports.faults.set('CAPTURE_PAYMENT', inTurn(down, down, gate.before()));
    const { id } = await bench.accept();
    await untilShown('orders_in_doubt{step="CAPTURE_PAYMENT"}', 1);
    expect(await valueOf('orders_in_doubt{step="RESERVE_STOCK"}')).to.equal(0);
    gate.open();
    await bench.untilRest(id);
    await untilShown('orders_in_doubt{step="CAPTURE_PAYMENT"}', 0);
    expect(await valueOf('saga_step_retries_total{step="CAPTURE_PAYMENT"}')).to.equal(2);
    expect(await valueOf('saga_step_retries_total{step="RESERVE_STOCK"}')).to.equal(0);
  });

  it('time each attempt of a step by how it ended', async () => {
    bench.ports.faults.set('COMMIT_STOCK', times(3, failing(new Error('down'))));
    await bench.create();
    const counted = (step: string, outcome: string): Promise<number | undefined> =>
      valueOf(`saga_step_duration_seconds_count{step="${step}",outcome="${outcome}"}`);
    expect(await counted('COMMIT_STOCK', 'in_doubt')).to.equal(3);
    expect(await counted('COMMIT_STOCK', 'succeeded')).to.equal(1);
    expect(await counted('CAPTURE_PAYMENT', 'succeeded')).to.equal(1);
    expect(await counted('CAPTURE_PAYMENT', 'refused')).to.equal(0);
  });

  it('show how many sagas run here and how many may, and count those taken over', async () => {
    const gate = new Gate();
    bench.ports.faults.set('AUTHORIZE_PAYMENT', gate.before());
    const orders = await Promise.all([1, 2].map(() => bench.accept()));
    expect(await valueOf('sagas_active')).to.equal(2);
    expect(await valueOf('sagas_limit')).to.equal(7);
    await bench.silence();
    const successor = await bench.start();
    await waitFor(async () => (await valueOf('sagas_recovered_total', successor)) === 2, 'the recovery');
    expect(await valueOf('sagas_recovered_total')).to.equal(0);
    gate.open();
    await Promise.all(orders.map(({ id }) => bench.untilRest(id)));
    await untilShown('sagas_active', 0);
    await untilShown('sagas_active', 0, successor);
  });
});
