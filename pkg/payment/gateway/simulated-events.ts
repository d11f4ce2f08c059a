import type { Database } from '../../postgres/index.js';
import type { IdSource } from '../../runtime/index.js';
import {
  claimDueEvents,
  markEventDelivered,
  pruneEvents,
  settleAuthorization,
  settleRefundLater,
} from './event-store.js';
import type { GatewayEvent } from './gateway.js';

export interface SimulatedEventsDeps {
  readonly db: Database;
  /** Returns a uniform random number in [0, 1). */
  readonly random: () => number;
  readonly newId: IdSource;
  /** Receives each event at least once. The gateway repeats an event whose delivery fails. */
  readonly deliver: (event: GatewayEvent) => Promise<void>;
}

/** Share of the events that the simulated gateway delivers twice, as external gateways sometimes do. */
const duplicateRate = 0.1;
/** Maximum number of events that a replica delivers at a time. */
const claimLimit = 50;
/** Delay before a failed delivery is repeated. */
const redeliveryMs = 1000;
/** Retention of delivered events. */
const retentionDays = 7;
const pruneLimit = 1000;

/** Decides the later answers of the simulated gateway when they are due, and delivers them as events. */
export class SimulatedEvents {
  readonly #deps: SimulatedEventsDeps;

  constructor(deps: SimulatedEventsDeps) {
    this.#deps = deps;
  }

  /**
   * Delivers all events that are due. Replicas share the work.
   *
   * @throws AggregateError of the failed deliveries
   */
  async deliverDue(signal: AbortSignal): Promise<void> {
    for (let claimed = claimLimit; claimed === claimLimit && !signal.aborted;) {
      const due = await claimDueEvents(this.#deps.db, redeliveryMs, claimLimit);
      claimed = due.length;
      const results = await Promise.allSettled(due.map((event) => this.#deliver(event)));
      const failures = results.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as unknown] : [],
      );
      if (failures.length > 0)
        throw new AggregateError(failures, `${failures.length} of ${due.length} deliveries failed`);
    }
  }

  /** Deletes events that were delivered long ago, in batches. */
  async prune(signal: AbortSignal): Promise<void> {
    for (let pruned = pruneLimit; pruned === pruneLimit && !signal.aborted;)
      pruned = await pruneEvents(this.#deps.db, retentionDays, pruneLimit);
  }

  async #deliver(due: Awaited<ReturnType<typeof claimDueEvents>>[number]): Promise<void> {
    const { db, random, newId, deliver } = this.#deps;
    const event =
      due.refundKey === null
        ? await settleAuthorization(db, due, `sim_${newId()}`)
        : await settleRefundLater(db, due, due.refundKey);
    if (event) {
      await deliver(event);
      if (random() < duplicateRate) await deliver(event);
    }
    await markEventDelivered(db, due.eventId);
  }
}
