import { sql } from '../../pkg/postgres/index.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import type { Order } from '../../pkg/pb/order/v1/order.js';
import {
  atMost,
  countOrders,
  exactly,
  placeAccepted,
  repeat,
  startRecoverySystem,
  timeUntil,
  type Measurement,
  type RecoverySystem,
  type Scenario,
} from './scenario.js';

const latencyMs = 20;
/** Longer than the expected time to drain: a service that drained one batch per interval would exceed the limit. */
const intervalMs = 10_000;
const full = { count: 30_000, limitMs: 120_000 };
const short = { count: 300, limitMs: intervalMs + 300 * latencyMs };

const refunds = 40;
const outageMs = 6000;
/** The longest backoff of a saga, 10 s, after the delay of a failed refund, which is at most one interval. */
const refundLimitMs = intervalMs + 10_000;

/** Counts the voids that the simulated gateway receives, also those without an effect. */
const countCalls = [
  sql('bench.create_calls', 'create table bench_calls (number bigint generated always as identity)'),
  sql(
    'bench.create_counter',
    `create function bench_count() returns trigger language plpgsql as 'begin insert into bench_calls default values; return null; end'`,
  ),
  sql(
    'bench.create_trigger',
    'create trigger bench_count before insert on gateway_charges for each statement execute function bench_count()',
  ),
];
const insertVoids = sql(
  'bench.insert_voids',
  `insert into payments (id, state, void_retry_at)
   select gen_random_uuid(), 'VOIDED', now() - interval '1 minute' from generate_series(1, $count::int)`,
);
const progress = sql(
  'bench.void_progress',
  `select (select count(*)::int from payments where void_retry_at is not null) as pending,
     (select count(*)::int from bench_calls) as calls`,
);

const stopGateway = sql('bench.stop_gateway', 'lock table gateway_refunds in access exclusive mode');
const countRefunds = sql(
  'bench.count_refunds',
  `select count(*)::int as refunds, count(distinct charge_key)::int as charges from gateway_refunds`,
);

interface Progress {
  readonly pending: number;
  readonly calls: number;
}

export const pendingAfterOutage: Scenario = {
  name: 'voids and refunds that are pending after an outage of the gateway',
  async run(run) {
    const recovery = await startRecoverySystem(run, {
      replicas: { order: 1, inventory: 1, payment: 2, catalog: 1 },
      settings: () => ({
        PAYMENT_GATEWAY_LATENCY: `${latencyMs}ms`,
        PAYMENT_GATEWAY_TIMEOUT: '1s',
        REFUND_RESOLVE_INTERVAL: `${intervalMs}ms`,
      }),
    });
    return [...(await drainVoids(recovery, run.isShort ? short : full)), ...(await drainRefunds(recovery))];
  },
};

async function drainVoids(
  { payments }: RecoverySystem,
  { count, limitMs }: typeof full,
): Promise<Measurement[]> {
  for (const statement of countCalls) await payments.query(statement());
  await payments.query(insertVoids({ count }));
  const read = async () => (await payments.query<Progress>(progress()))[0];
  const drainedMs = await timeUntil(async () => (await read())?.pending === 0, 2 * limitMs);
  const { pending, calls } = (await read()) ?? { pending: count, calls: 0 };
  return [
    atMost(`${count} pending voids drained by two replicas`, drainedMs / 1000, limitMs / 1000, ' s'),
    atMost('voids still pending', pending, 0),
    exactly('calls to the gateway for these voids', calls, count),
  ];
}

/** Cancels confirmed orders while the gateway answers no refund. */
async function drainRefunds({ system, orders, payments, client }: RecoverySystem): Promise<Measurement[]> {
  const buyer = client(system.targets.order);
  const placed = await repeat(refunds, 8, () => placeAccepted(buyer, {}));
  await payments.transaction(async (tx) => {
    await tx.query(stopGateway());
    const cancel = ({ orderId, customerId }: Order) =>
      buyer.cancelOrder(
        { requestId: uuidv7(), orderId, customerId, reason: 'benchmark' },
        { timeoutMs: outageMs },
      );
    await Promise.allSettled(placed.map(cancel));
  });
  const cancelledMs = await timeUntil(
    async () => (await countOrders(orders, 'CANCELLED')) === refunds,
    10 * refundLimitMs,
  );
  const [made] = await payments.query<{ refunds: number; charges: number }>(countRefunds());
  return [
    atMost(`${refunds} refunds drained after the outage`, cancelledMs / 1000, refundLimitMs / 1000, ' s'),
    exactly('refunds by the gateway', made?.refunds ?? 0, refunds),
    exactly('refunded charges', made?.charges ?? 0, refunds),
  ];
}
