import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { isAppError } from '../../errors/index.js';
import { inBackgroundSpan, type Logger, spanContextOf } from '../../observability/index.js';
import type { Database } from '../../postgres/index.js';
import { everyLogged, FailureLogger, firstUuidAt } from '../../runtime/index.js';
import type { SagaOrder } from '../domain.js';
import type { OrderEvents } from '../events.js';
import type { UnreadableOrder } from '../store.js';
import {
  claimDueOrders,
  claimOrdersOf,
  claimReleasedOrders,
  findOrphans,
  readDrivenOrders,
  setOrderAside,
  type Claim,
  type Claimed,
} from './claim-store.js';
import type { Heartbeats } from './heartbeats.js';
import { findDeadInstances, tidyInstances, type LivenessQuery } from './instance-store.js';
import { OrphanWatch } from './orphans.js';
import { remoteSteps, terminalState } from './plan.js';
import { attemptOutcome, RetryWindow } from './retry-window.js';
import type { SagaRunner } from './runner.js';

/** Maximum number of orders in one claim. */
const claimLimit = 256;
/** Number of parked orders that are attempted at once during an outage. */
const minRetryWindow = 8;
/** Time between two searches for new orphans, and for all orphans. */
const newOrphansIntervalMs = 1000;
const allOrphansIntervalMs = 5000;
/** Maximum age of an order in a search for new orphans. */
const newOrphanAgeMs = 60_000;
/** Time without a further search for the orders of a dead instance after a claim has taken all of them. */
const drainedIntervalMs = 5000;
const tidyIntervalMs = 60_000;

/** The orders that a round may have left: none, only parked orders that are due, or any. */
type Rest = 'NONE' | 'DUE' | 'ANY';

const nothing: Claimed = { orders: [], unreadable: [] };

/** Steps that this version can execute. */
const drivableSteps: readonly string[] = [...remoteSteps, ...Object.keys(terminalState)];

export interface ClaimsDeps {
  /** A database with a separate pool, so that claims wait neither for other statements nor for heartbeats. */
  readonly db: Database;
  readonly liveness: LivenessQuery;
  readonly heartbeats: Pick<Heartbeats, 'isLate' | 'wasLate'>;
  readonly runner: SagaRunner;
  readonly logger: Logger;
  readonly events: OrderEvents;
  readonly intervalMs: number;
  /** Monotonic time in milliseconds. */
  readonly now: () => number;
}

/**
 * Claims unfinished orders without a live driver, and drives them in the recovery slots: released orders, orders of dead
 * instances, orders of this instance that lost their saga, and parked orders that are due.
 */
export class Claims {
  readonly #deps: ClaimsDeps;
  readonly #orphans: OrphanWatch;
  readonly #retries: RetryWindow;
  readonly #loop: { close(): Promise<void> };
  /** Times of the last claims that took all orders of dead instances, by instance. */
  #drained = new Map<string, number>();
  #newOrphansAt = -Infinity;
  #allOrphansAt = -Infinity;
  #tidyAt = -Infinity;

  constructor(deps: ClaimsDeps) {
    const { runner, logger, intervalMs } = deps;
    this.#deps = deps;
    this.#orphans = new OrphanWatch(deps.now);
    // The other half of the slots remains for orders that have not failed.
    this.#retries = new RetryWindow({
      minimum: minRetryWindow,
      maximum: Math.ceil(runner.limit('STORAGE') / 2),
    });
    const failures = new FailureLogger(logger, { failed: 'claim failed', recovered: 'claim recovered' });
    this.#loop = context.with(ROOT_CONTEXT, () =>
      everyLogged(intervalMs, (signal) => this.#rounds(signal), failures),
    );
  }

  /** Ends the loop. The sagas of claimed orders continue. */
  close(): Promise<void> {
    return this.#loop.close();
  }

  /** Claims while there are more orders than one round can claim. A round that has no slot left waits for slots. */
  async #rounds(signal: AbortSignal): Promise<void> {
    const { runner, intervalMs } = this.#deps;
    for (;;) {
      const rest = await this.#round();
      if (rest === 'NONE' || signal.aborted) return;
      if (runner.capacity('STORAGE') === 0) await runner.recoverySlot(intervalMs, signal);
      else if (rest === 'DUE') await this.#retries.freed(intervalMs, signal);
    }
  }

  async #round(): Promise<Rest> {
    const { heartbeats, events } = this.#deps;
    // Other instances may treat this instance as dead, and a slow instance must not take over even more orders.
    if (heartbeats.isLate) {
      events.claimRound('skipped');
      return 'NONE';
    }
    const isFull = [
      await this.#recover((claim) => claimReleasedOrders(this.#deps.db, claim)),
      await this.#recover((claim) => this.#claimDead(claim)),
      await this.#recover((claim) => this.#claimOrphans(claim)),
    ];
    const hasDue = await this.#resume();
    await this.#tidy();
    events.claimRound('completed');
    if (isFull.includes(true)) return 'ANY';
    return hasDue ? 'DUE' : 'NONE';
  }

  /** Starts the sagas of claimed orders. Returns whether the claim reached its limit. */
  async #recover(claimOrders: (claim: Claim) => Promise<Claimed>): Promise<boolean> {
    const { runner, events } = this.#deps;
    const claim = this.#claim(runner.capacity('STORAGE'));
    if (claim.limit === 0) return true;
    const claimed = await claimOrders(claim);
    await this.#setAside(claimed.unreadable);
    for (const order of claimed.orders)
      void this.#drive('order.recover', order, () => events.recovered(order));
    return claimed.orders.length + claimed.unreadable.length >= claim.limit;
  }

  /** Starts the sagas of due orders. Returns whether more due orders can be attempted before the next interval. */
  async #resume(): Promise<boolean> {
    const { db, runner } = this.#deps;
    const claim = this.#claim(Math.min(runner.capacity('STORAGE'), this.#retries.capacity));
    if (claim.limit === 0) return this.#retries.isOpen;
    const claimed = await claimDueOrders(db, claim);
    await this.#setAside(claimed.unreadable);
    for (const order of claimed.orders) {
      this.#retries.started();
      void this.#drive('order.resume', order).then((result) =>
        this.#retries.ended(attemptOutcome(order, result)),
      );
    }
    return claimed.orders.length >= claim.limit && this.#retries.isOpen;
  }

  #claim(capacity: number): Claim {
    const { instance } = this.#deps.liveness;
    return { instance, steps: drivableSteps, limit: Math.min(claimLimit, capacity) };
  }

  async #claimDead(claim: Claim): Promise<Claimed> {
    const { db, liveness, heartbeats, now } = this.#deps;
    if (heartbeats.wasLate) return nothing;
    // While an old snapshot, such as that of a backup, keeps dead index entries, each search for the orders of an
    // instance reads the entries of all its former orders. Such searches are therefore rare.
    this.#drained = new Map([...this.#drained].filter(([, at]) => now() - at < drainedIntervalMs));
    const dead = (await findDeadInstances(db, liveness)).filter((id) => !this.#drained.has(id));
    if (dead.length === 0) return nothing;
    const claimed = await claimOrdersOf(db, dead, claim);
    const isDrained = claimed.orders.length + claimed.unreadable.length < claim.limit;
    if (isDrained) for (const id of dead) this.#drained.set(id, now());
    return claimed;
  }

  async #claimOrphans(claim: Claim): Promise<Claimed> {
    const { db, runner, now } = this.#deps;
    if (now() - this.#newOrphansAt < newOrphansIntervalMs) return nothing;
    this.#newOrphansAt = now();
    const includesAll = now() - this.#allOrphansAt >= allOrphansIntervalMs;
    if (includesAll) this.#allOrphansAt = now();
    const first = firstUuidAt(new Date(includesAll ? 0 : Date.now() - newOrphanAgeMs));
    const found = await findOrphans(db, { ...claim, active: runner.active, first });
    const ids = this.#orphans.select(found, first);
    return ids.length === 0 ? nothing : readDrivenOrders(db, claim.instance, ids);
  }

  /** Continues an order in a new trace, with a link to the span that accepted the order. */
  async #drive(name: string, order: SagaOrder, onStart?: () => void): Promise<SagaOrder | undefined> {
    const { runner } = this.#deps;
    const { id, step, state, traceparent } = order;
    const attributes = { 'order.id': id, 'order.step': step, 'order.state': state };
    try {
      return await inBackgroundSpan({ name, attributes, link: spanContextOf(traceparent) }, async (span) => {
        onStart?.();
        const driven = await runner.start(order, 'STORAGE');
        span.setAttribute('order.state', driven.state);
        return driven;
      });
    } catch (error) {
      // After an AppError, such as a failure of the database, this instance claims the order again as an orphan.
      if (!isAppError(error)) await this.#setAside([{ id, error }]).catch(() => undefined);
      return undefined;
    }
  }

  async #setAside(orders: readonly UnreadableOrder[]): Promise<void> {
    const { db, liveness, logger, events } = this.#deps;
    for (const { id, error } of orders) {
      await setOrderAside(db, id, liveness.instance);
      events.setAside();
      logger.error({ err: error, order_id: id }, 'order set aside');
    }
  }

  async #tidy(): Promise<void> {
    const { db, now } = this.#deps;
    if (now() - this.#tidyAt < tidyIntervalMs) return;
    this.#tidyAt = now();
    await tidyInstances(db);
  }
}
