import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ReplicatedSystem } from '../../bench/replicated-system.js';
import { sendSignal } from '../../cmd/dev/postgres/cluster.js';
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

/** Kinds of faults, and the targets of each. A fault of PostgreSQL hits all services. */
const targetsOf = {
  killed: ['order', 'order', 'inventory', 'payment', 'catalog'],
  paused: ['order', 'order', 'inventory', 'payment', 'catalog', 'PostgreSQL'],
  restarted: ['order', 'inventory', 'payment', 'catalog', 'PostgreSQL'],
  'sessions cut': ['order', 'order', 'inventory', 'payment'],
  crashed: ['PostgreSQL'],
} as const;

type Kind = keyof typeof targetsOf;

interface Target {
  readonly name: (typeof targetsOf)[Kind][number];
  readonly weight: number;
}

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
const postgresPauseMs = { low: 200, high: 2000 };

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
    const decks = new Map<Kind, Deck<Target>>();
    for (const { kind } of kinds)
      decks.set(
        kind,
        new Deck(
          targetsOf[kind].map((name) => ({ name, weight: 1 })),
          random,
        ),
      );
    while (await pause(random.between(intervalMs.low, intervalMs.high), this.#stop.signal)) {
      // Most faults wait until the services have recovered. Otherwise, a slow machine would be in a permanent outage.
      if (!random.chance(overlapRate)) await this.#options.system.allReady(recoveryTimeoutMs);
      const { kind } = deck.draw();
      await this.#inject(kind, decks.get(kind)?.draw().name ?? 'PostgreSQL', random);
    }
  }

  async #inject(kind: Kind, target: Target['name'], random: Random): Promise<void> {
    const { system, postgres, history } = this.#options;
    this.counts.add(target, kind);
    if (target === 'PostgreSQL') {
      history.note({ fault: kind, target });
      if (kind === 'paused')
        return this.#pausePostgres(random.between(postgresPauseMs.low, postgresPauseMs.high));
      // Immediate shutdown, as after a crash, or fast shutdown.
      return system.postgres.send(kind === 'crashed' ? 'SIGQUIT' : 'SIGINT');
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
      default:
        return postgres.cutSessions(replica.database, random.pick([0.2, 1]));
    }
  }

  /** Pauses the server with all of its sessions. */
  async #pausePostgres(ms: number): Promise<void> {
    const { pid } = this.#options.system.postgres;
    const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
    const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
    const pids = [pid, ...rows.flatMap(([child, parent]) => (child && parent === pid ? [child] : []))];
    for (const each of pids) sendSignal(each, 'SIGSTOP');
    await pause(ms, this.#stop.signal);
    for (const each of pids) sendSignal(each, 'SIGCONT');
  }
}
