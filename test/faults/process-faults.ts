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

const services = ['order', 'order', 'inventory', 'payment', 'catalog'] as const;

/** Kinds of faults, and the targets of each. A fault of PostgreSQL hits all services. */
const faults = [
  { kind: 'killed', weight: 2, targets: services },
  { kind: 'paused', weight: 2, targets: services },
  { kind: 'restarted', weight: 1, targets: services },
  { kind: 'sessions cut', weight: 2, targets: services },
  { kind: 'paused', weight: 1, targets: ['PostgreSQL'] },
  { kind: 'restarted', weight: 1, targets: ['PostgreSQL'] },
  { kind: 'crashed', weight: 1, targets: ['PostgreSQL'] },
] as const;

const intervalMs = { low: 1000, high: 4000 };
/** Share of the faults that may come while a service still starts after another fault. */
const overlapRate = 0.15;
const recoveryTimeoutMs = 15_000;
const pauseMs = { low: 200, high: 5000 };
const postgresPauseMs = { low: 1000, high: 3000 };

/** Kills, pauses and restarts services and PostgreSQL and cuts database sessions, until it is closed. */
export class ProcessFaults {
  readonly counts = new FaultCounts(
    [...services.slice(1), 'PostgreSQL'],
    [...new Set(faults.map(({ kind }) => kind))],
  );
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
    const deck = new Deck(faults, random);
    while (await pause(random.between(intervalMs.low, intervalMs.high), this.#stop.signal)) {
      // Most faults wait until the services have recovered. Otherwise, a slow machine would be in a permanent outage.
      if (!random.chance(overlapRate)) await this.#options.system.allReady(recoveryTimeoutMs);
      await this.#inject(deck.draw(), random);
    }
  }

  async #inject({ kind, targets }: (typeof faults)[number], random: Random): Promise<void> {
    const target = random.pick<(typeof targets)[number]>(targets);
    const { system, postgres, history } = this.#options;
    if (target === 'PostgreSQL') {
      history.note({ fault: kind, target });
      // PostgreSQL restarts after a fast shutdown (SIGINT) and after an immediate shutdown, which is like a crash.
      if (kind !== 'paused') system.postgres.send(kind === 'crashed' ? 'SIGQUIT' : 'SIGINT');
      else if (
        !(await postgres.pause(
          system.postgres.pid,
          random.between(postgresPauseMs.low, postgresPauseMs.high),
        ))
      )
        return;
      return this.counts.add(target, kind);
    }
    this.counts.add(target, kind);
    const replica = random.pick(system.of(target));
    history.note({ fault: kind, target: replica.name });
    switch (kind) {
      case 'crashed':
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
