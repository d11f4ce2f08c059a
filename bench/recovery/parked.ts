import { sql, type Database } from '../../pkg/postgres/index.js';
import { pause } from '../../pkg/runtime/index.js';
import { median } from '../statistics.js';
import { exactly, isConfirmed, place, repeat, sku, startRecoverySystem, type Scenario } from './scenario.js';

const parkedOrders = 10_000;
const concurrency = 4;
const full = { rounds: 5, orders: 1000, maxRatio: 1.3 };
const short = { rounds: 3, orders: 300, maxRatio: 3 };
/** The parked orders are claimed and parked again for this time before a round. */
const settleMs = 3000;

/** Orders whose authorization stays in doubt, with due times spread over the longest backoff. */
const insertParked = sql(
  'bench.insert_parked',
  `insert into orders (id, customer_id, request_id, fingerprint, state, currency, total_minor, payment_method, reservation_id,
     payment_id, refund_id, revision, step, failures, created_at, updated_at, next_attempt_at, lines)
   select gen_random_uuid(), 'parked', number::text, '', 'PENDING', 'USD', 1000, 'pm_authorize_pending', gen_random_uuid(),
     gen_random_uuid(), gen_random_uuid(), 1, 'AUTHORIZE_PAYMENT', 10, now(), now(), now() + random() * interval '10 seconds',
     jsonb_build_array(jsonb_build_object('sku', $sku::text, 'name', 'Parked', 'quantity', 1, 'unitPriceMinor', 1000))
   from generate_series(1, $count::int) number`,
);
const removals = [
  sql(
    'bench.remove_entries',
    "delete from order_timeline where order_id in (select id from orders where customer_id = 'parked')",
  ),
  sql('bench.remove_parked', "delete from orders where customer_id = 'parked'"),
];
const countParked = sql(
  'bench.count_parked',
  "select count(*)::int as count from orders where customer_id = 'parked' and state = 'PENDING'",
);

export const parkedOrdersBesideHealthy: Scenario = {
  name: `healthy orders beside ${parkedOrders} parked orders`,
  async run(run) {
    const { rounds, orders: count, maxRatio } = run.isShort ? short : full;
    const { system, orders, client } = await startRecoverySystem(run, {
      replicas: { order: 1, inventory: 1, payment: 1, catalog: 1 },
      settings: ({ domain }) => (domain === 'payment' ? { PAYMENT_ACTION_DELAY: '24h' } : {}),
    });
    const buyer = client(system.targets.order);
    const measure = async (): Promise<number> => {
      const latencies = await repeat(count, concurrency, async () => {
        const started = performance.now();
        if (!isConfirmed(await place(buyer))) throw new Error('a healthy order was not confirmed');
        return performance.now() - started;
      });
      return latencies.toSorted((a, b) => a - b)[Math.ceil(0.99 * count) - 1] ?? 0;
    };
    await measure();
    const ratios: number[] = [];
    const stillParked: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const without = await measure();
      await orders.query(insertParked({ count: parkedOrders, sku }));
      await pause(settleMs);
      const beside = await measure();
      const [parked] = await orders.query<{ count: number }>(countParked());
      stillParked.push(parked?.count ?? 0);
      await remove(orders);
      ratios.push(beside / without);
      run.onProgress(
        `round ${round}: p99 ${without.toFixed(0)} ms without, ${beside.toFixed(0)} ms beside parked orders`,
      );
    }
    const fewest = Math.min(...stillParked);
    const ratio = median(ratios);
    const name = `p99 of ${count} healthy orders, ratio with to without, median of ${rounds}`;
    return [
      { name, measured: ratio.toFixed(2), limit: `<= ${maxRatio}`, ok: ratio <= maxRatio },
      exactly('orders parked to the end', fewest, parkedOrders),
    ];
  },
};

async function remove(orders: Database): Promise<void> {
  for (const removal of removals) await orders.query(removal());
}
