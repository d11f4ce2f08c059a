import type { ReplicatedSystem } from '../../bench/replicated-system.js';
import { pause } from '../../pkg/runtime/index.js';
import { pauseProcess } from './call-faults.js';
import { FaultCounts } from './fault-counts.js';
import type { History } from './history.js';
import { Deck, Random } from './random.js';
import type { PostgresAdmin } from './postgres-admin.js';

export interface ProcessFaultsOptions {
  readonly system: ReplicatedSystem;
  readonly postgres: PostgresAdmin;
  readonly history: History;
  readonly seed: number;
}

/** Kinds of faults, and the targets of each. A crash of PostgreSQL hits all services. */
const targetsOf = {
  killed: ['order', 'order', 'inventory', 'payment', 'catalog'],
  paused: ['order', 'order', 'inventory', 'payment', 'catalog'],
  restarted: ['order', 'inventory', 'payment'],
  'sessions cut': ['order', 'order', 'inventory', 'payment'],
  crashed: ['PostgreSQL'],
} as const;

type Kind = keyof typeof targetsOf;

const kinds: readonly { readonly kind: Kind; readonly weight: number }[] = [
  { kind: 'killed', weight: 2 },
  { kind: 'paused', weight: 2 },
  { kind: 'restarted', weight: 1 },
  { kind: 'sessions cut', weight: 2 },
  { kind: 'crashed', weight: 1 },
];

const intervalMs = { low: 1000, high: 4000 };
/** Share of the faults that may come while a service still starts after another fault. */
const overlapRate = 0.15;
const recoveryTimeoutMs = 15_000;
const pauseMs = { low: 200, high: 5000 };

/** Kills, pauses and restarts services and PostgreSQL and cuts database sessions, until it is closed. */
export class ProcessFaults {
  readonly counts = new FaultCounts([...new Set(Object.values(targetsOf).flat())], Object.keys(targetsOf));
  readonly #options: ProcessFaultsOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: ProcessFaultsOptions) {
    this.#options = options;
    this.#running = this.#run(Random.of(options.seed, 'processes'));
  }

  /** Stops the faults. Paused processes continue; killed processes may not be ready yet. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    for (const replica of this.#options.system.replicas) replica.send('SIGCONT');
  }

  async #run(random: Random): Promise<void> {
    const deck = new Deck(kinds, random);
    while (await pause(random.between(intervalMs.low, intervalMs.high), this.#stop.signal)) {
      // Most faults wait until the services have recovered. Otherwise, a slow machine would be in a permanent outage.
      if (!random.chance(overlapRate)) await this.#options.system.allReady(recoveryTimeoutMs);
      await this.#inject(deck.draw().kind, random);
    }
  }

  async #inject(kind: Kind, random: Random): Promise<void> {
    const target = random.pick(targetsOf[kind]);
    const { system, postgres, history } = this.#options;
    this.counts.add(target, kind);
    if (target === 'PostgreSQL' || kind === 'crashed') {
      history.note({ fault: kind, target });
      return system.postgres.crash();
    }
    const replica = random.pick(system.of(target));
    history.note({ fault: kind, target: replica.name });
    switch (kind) {
      case 'killed':
        return replica.send('SIGKILL');
      case 'paused':
        return pauseProcess(replica, random.between(pauseMs.low, pauseMs.high));
      case 'restarted':
        return replica.send('SIGTERM');
      case 'sessions cut':
        return postgres.cutSessions(replica.database, random.pick([0.2, 1]));
    }
  }
}
