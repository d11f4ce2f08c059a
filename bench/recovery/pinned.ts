import { execFileSync, spawnSync } from 'node:child_process';
import {
  atMost,
  isConfirmed,
  moreThan,
  metricOf,
  place,
  repeat,
  startRecoverySystem,
  type Scenario,
} from './scenario.js';

const workers = 64;
const [fullSeconds, shortSeconds] = [60, 20];

export const pinnedToOneCore: Scenario = {
  name: 'all services on one core',
  skipReason: () =>
    spawnSync('taskset', ['--version']).status === 0 ? undefined : 'taskset is not installed',
  async run(run) {
    const { system, client } = await startRecoverySystem(run, {
      replicas: { order: 3, inventory: 1, payment: 1, catalog: 1 },
      settings: () => ({}),
    });
    for (const { pid } of system.replicas)
      execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', '0', String(pid)]);
    const clients = system.of('order').map(({ address }) => client(address));
    const end = performance.now() + 1000 * (run.isShort ? shortSeconds : fullSeconds);
    let confirmed = 0;
    await repeat(workers, workers, async (index) => {
      while (performance.now() < end) {
        const target = clients[index % clients.length];
        if (target && isConfirmed(await place(target))) confirmed += 1;
      }
    });
    const recovered = await Promise.all(
      system.of('order').map((replica) => metricOf(replica, 'sagas_recovered_total')),
    );
    return [
      atMost(
        'orders taken over from living replicas',
        recovered.reduce((sum, count) => sum + count, 0),
        0,
      ),
      moreThan('orders confirmed', confirmed, 100),
    ];
  },
};
