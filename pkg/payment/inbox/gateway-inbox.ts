import type { Database, Transaction } from '../../postgres/index.js';
import type { PaymentChange } from '../domain.js';
import type { PaymentEvents } from '../events.js';
import type { GatewayEvent } from '../gateway/gateway.js';
import { recordIntentAnswer } from '../intents/store.js';
import { changeOfAnswer } from '../ledger.js';
import { recordRefundAnswer } from '../refunds/refund-service.js';
import { findRefund } from '../refunds/refund-store.js';
import { insertEvent, pruneInbox } from './store.js';

export interface GatewayInboxDeps {
  readonly db: Database;
  readonly events: PaymentEvents;
}

/**
 * A gateway repeats an event for a few days at most. A later repetition also has no effect, because the answer is
 * already recorded.
 */
const retentionDays = 7;
const pruneLimit = 1000;

/**
 * Receives the later answers of the gateway. The id of an event is stored in the same commit as its effect, so that a
 * repeated event changes nothing.
 */
export class GatewayInbox {
  readonly #deps: GatewayInboxDeps;

  constructor(deps: GatewayInboxDeps) {
    this.#deps = deps;
  }

  /** @throws AppError of the database; the gateway then repeats the event */
  async receive(event: GatewayEvent): Promise<void> {
    const { db, events } = this.#deps;
    const change = await db.transaction(async (tx) =>
      (await insertEvent(tx, event.id, event.key)) ? applyEvent(tx, event) : undefined,
    );
    if (change) events.changed(change);
  }

  /** Deletes the ids of old events, in batches. */
  async prune(signal: AbortSignal): Promise<void> {
    for (let pruned = pruneLimit; pruned === pruneLimit && !signal.aborted;)
      pruned = await pruneInbox(this.#deps.db, retentionDays, pruneLimit);
  }
}

/** Returns undefined if a call or the background work has recorded the answer before. */
async function applyEvent(tx: Transaction, event: GatewayEvent): Promise<PaymentChange | undefined> {
  if (event.kind === 'AUTHORIZATION') {
    const { key: id, answer } = event;
    const payment = await recordIntentAnswer(tx, { id, answer });
    return payment && changeOfAnswer(payment);
  }
  const key = { paymentId: event.key, requestId: event.refundKey };
  const refund = await findRefund(tx, key);
  if (refund?.outcome.state !== 'PENDING') return undefined;
  const { amount } = refund.outcome;
  const payment = await recordRefundAnswer(tx, { ...key, amount }, event.answer);
  return payment && { change: 'REFUND', payment, amount };
}
