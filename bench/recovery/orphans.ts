import { sql } from '../../pkg/postgres/index.js';
import {
  atMost,
  exactly,
  moreThan,
  place,
  repeat,
  startRecoverySystem,
  timeUntil,
  type OrderClient,
  type Scenario,
} from './scenario.js';

const orphans = 512;
/** More concurrent orders than the surviving replica accepts. */
const intake = 600;
const limitMs = { full: 4000, short: 30_000 };
const longTime = '60s';

const findDriver = sql(
  'bench.driver',
  "select driver, count(*)::int as count from orders where state = 'PENDING' group by driver order by 2 desc limit 1",
);
const countDriven = sql(
  'bench.count_driven',
  "select count(*)::int as count from orders where driver = $driver and state in ('PENDING', 'CANCELLING')",
);

export const orphansClaimed: Scenario = {
  name: 'orphans of a killed replica under saturated intake',
  async run(run) {
    const { system, orders, client } = await startRecoverySystem(run, {
      replicas: { order: 2, inventory: 1, payment: 1, catalog: 1 },
      // The orders of the victim wait for their payment until the victim is killed.
      settings: ({ domain, number }) =>
        domain === 'order' && number === 1
          ? { SAGA_STEP_TIMEOUT: longTime }
          : { PAYMENT_SLOW_DELAY: longTime },
    });
    const [victim, survivor] = system.of('order');
    if (!victim || !survivor) throw new Error('the system has two order services');
    const buyers = Array.from({ length: 8 }, () => client(victim.address));
    const findDriven = async () => (await orders.query<{ driver: string; count: number }>(findDriver()))[0];
    // A client gives up early: its order is accepted and waits for the payment.
    const slow = { paymentMethod: 'pm_slow', timeoutMs: 3000 };
    for (let missing = orphans; missing > 0; missing = orphans - ((await findDriven())?.count ?? 0))
      await repeat(missing, orphans / 2, (index) =>
        place(buyers[index % buyers.length] as OrderClient, slow),
      );
    const { driver, count } = (await findDriven()) ?? { driver: '', count: 0 };

    run.onProgress(`${count} orders wait for their payment; saturating the other replica`);
    const others = Array.from({ length: 12 }, () => client(survivor.address));
    const stop = new AbortController();
    const rejected = { count: 0 };
    const load = Array.from({ length: intake }, async (_, index) => {
      const target = others[index % others.length] as OrderClient;
      while (!stop.signal.aborted)
        if ((await place(target, { signal: stop.signal })) === 'OVERLOADED') rejected.count += 1;
    });
    await timeUntil(async () => rejected.count > 0, 30_000);
    victim.send('SIGKILL');
    const claimedMs = await timeUntil(async () => {
      const [rest] = await orders.query<{ count: number }>(countDriven({ driver }));
      return rest?.count === 0;
    }, 60_000);
    stop.abort();
    await Promise.all(load);
    const limit = run.isShort ? limitMs.short : limitMs.full;
    return [
      atMost(`${count} orphans claimed`, claimedMs / 1000, limit / 1000, ' s'),
      moreThan('rejected new orders, since intake was saturated', rejected.count, 0),
      exactly('orphans', count, orphans),
    ];
  },
};
