import { sql } from '../../pkg/postgres/index.js';
import { pause } from '../../pkg/runtime/index.js';
import { startDnsServer } from './dns-server.js';
import {
  atMost,
  isConfirmed,
  moreThan,
  place,
  repeat,
  startRecoverySystem,
  type Scenario,
} from './scenario.js';

const workers = 8;
/** Time in which the clients must notice that a peer is frozen. */
const noticeMs = 5000;
const [fullMs, shortMs] = [20_000, 8000];

const countDoubts = sql(
  'bench.count_doubts',
  "select count(*)::int as count from order_timeline where outcome = 'IN_DOUBT' and occurred_at > $since",
);

export const frozenPeer: Scenario = {
  name: 'one of two payment services is frozen',
  skipReason: () =>
    process.platform === 'linux' ? undefined : 'only Linux has the addresses 127.0.0.1 to 127.0.0.254',
  async run(run) {
    const replicas = { order: 1, inventory: 1, payment: 2, catalog: 1 };
    const dnsPort = await startDnsServer(['127.0.0.1', '127.0.0.2'], run.scope);
    const { system, orders, client } = await startRecoverySystem(run, {
      replicas,
      isNamed: true,
      settings: (_replica, peers) => ({
        GRPC_NODE_USE_ALTERNATIVE_RESOLVER: 'true',
        PAYMENT_SERVICE_ADDR: `dns://127.0.0.1:${dnsPort}/payment-service.test:${peers.of('payment')[0]?.address.split(':')[1]}`,
      }),
    });
    const buyer = client(system.targets.order);
    const isOpen = { value: true };
    let confirmed = 0;
    const load = repeat(workers, workers, async () => {
      while (isOpen.value) if (isConfirmed(await place(buyer))) confirmed += 1;
    });
    await pause(3000);
    system.of('payment')[1]?.send('SIGSTOP');
    await pause(noticeMs);
    const [since, before] = [new Date(), confirmed];
    await pause(run.isShort ? shortMs : fullMs);
    isOpen.value = false;
    const [doubts] = await orders.query<{ count: number }>(countDoubts({ since }));
    const confirmedLater = confirmed - before;
    system.of('payment')[1]?.send('SIGCONT');
    await load;
    return [
      atMost('failed steps later than 5 s after the freeze', doubts?.count ?? Infinity, 0),
      moreThan('orders confirmed meanwhile', confirmedLater, 20),
    ];
  },
};
