import type { Replica } from '../../bench/replicated-system.js';
import type { CallFault } from './call-proxy.js';
import { FaultCounts } from './fault-counts.js';
import type { History } from './history.js';
import { Deck, Random } from './random.js';
import type { PostgresAdmin } from './postgres-admin.js';

/**
 * Share of faulty calls for each method that a saga step calls. Compensations are called more rarely, so their share is
 * higher.
 */
const faultRates: Readonly<Record<string, number>> = {
  ReserveStock: 0.04,
  AuthorizePayment: 0.04,
  CommitReservation: 0.04,
  CapturePayment: 0.04,
  VoidPayment: 0.1,
  RefundPayment: 0.1,
  ReleaseReservation: 0.1,
};

interface FaultKind {
  readonly name: string;
  readonly weight: number;
  readonly create: (random: Random, target: FaultTarget) => CallFault;
}

/** What a fault acts on: the replica of the order service that makes the call, and PostgreSQL. */
interface FaultTarget {
  readonly caller: Replica;
  readonly postgres: PostgresAdmin;
}

/** Longest delay of a call. SAGA_STEP_TIMEOUT is shorter, so that some delayed calls time out. */
const longestDelayMs = 2500;

const kinds: readonly FaultKind[] = [
  { name: 'delayed', weight: 4, create: (random) => ({ delayMs: random.between(50, longestDelayMs) }) },
  { name: 'dropped', weight: 4, create: (random) => ({ dropsRequest: true, isSilent: random.chance(0.3) }) },
  {
    name: 'answer dropped',
    weight: 6,
    create: (random) => ({ dropsResponse: true, isSilent: random.chance(0.3) }),
  },
  { name: 'sent twice', weight: 3, create: () => ({ repeatAfterMs: 0 }) },
  { name: 'sent again late', weight: 4, create: (random) => ({ repeatAfterMs: random.between(20, 4000) }) },
  {
    name: 'caller killed',
    weight: 1,
    create: (_random, { caller }) => ({ dropsResponse: true, beforeAnswer: () => caller.send('SIGKILL') }),
  },
  {
    name: 'caller paused',
    weight: 1,
    create: (random, { caller }) => ({ beforeAnswer: () => pauseProcess(caller, random.between(200, 3000)) }),
  },
  {
    name: 'sessions cut',
    weight: 2,
    create: (_random, { postgres }) => ({ beforeAnswer: () => postgres.cutSessions('orders') }),
  },
];

export function pauseProcess(replica: Replica, ms: number): void {
  replica.send('SIGSTOP');
  setTimeout(() => replica.send('SIGCONT'), ms);
}

interface CallFaultsOptions {
  readonly seed: number;
  readonly history: History;
  readonly postgres: PostgresAdmin;
}

/** Decides the fault of each call between the order service and the others. */
export class CallFaults {
  readonly counts = new FaultCounts(
    Object.keys(faultRates),
    kinds.map(({ name }) => name),
  );
  isActive = false;
  readonly #options: CallFaultsOptions;
  readonly #decisions = new Map<string, { readonly random: Random; readonly deck: Deck<FaultKind> }>();

  constructor(options: CallFaultsOptions) {
    this.#options = options;
  }

  /** The decisions for the calls of one method depend on the seed only. */
  of(caller: Replica, method: string): CallFault {
    const { history, postgres } = this.#options;
    const rate = faultRates[method];
    if (!this.isActive || rate === undefined) return {};
    const { random, deck } = this.#decisionsFor(method);
    if (!random.chance(rate)) return {};
    const kind = deck.draw();
    this.counts.add(method, kind.name);
    history.note({ fault: kind.name, method, caller: caller.name });
    return kind.create(random, { caller, postgres });
  }

  #decisionsFor(method: string) {
    const known = this.#decisions.get(method);
    if (known) return known;
    const random = Random.of(this.#options.seed, method);
    const decisions = { random, deck: new Deck(kinds, random) };
    this.#decisions.set(method, decisions);
    return decisions;
  }
}
