import { AppError } from '../errors/index.js';
import { fingerprint, once, type Database, type Transaction } from '../postgres/index.js';
import { transitions, type SagaOrder, type TimelineEntry } from './domain.js';
import { recordProgress } from './saga-store.js';
import { firstCancellationStep } from './saga-plan.js';
import { lockOrder } from './store.js';
import { currentTraceId } from './trace-id.js';

export interface Cancellation {
  readonly requestId: string;
  readonly orderId: string;
  /** Empty: whoever's order it is. */
  readonly customerId: string;
  readonly reason: string;
}

interface Taker {
  readonly instance: string;
  readonly now: Date;
}

/**
 * Accepts a cancellation in one commit and takes over the order, whoever drives it: the writes of its
 * former saga are fenced off from here on, and a step that is still under way cannot take effect past
 * the tombstones of the compensation.
 *
 * @returns the order, and whether this call began the cancellation
 */
export async function cancelOrder(
  db: Database,
  cancellation: Cancellation,
  taker: Taker,
): Promise<{ order: SagaOrder; isNew: boolean }> {
  return db.transaction(async (tx) => {
    const order = await lockOwnOrder(tx, cancellation);
    const { requestId, orderId, reason } = cancellation;
    const request = {
      scope: `${order.customerId}/CancelOrder`,
      requestId,
      fingerprint: fingerprint({ orderId, reason }),
    };
    let begun: SagaOrder | undefined;
    await once(tx, request, async () => {
      begun = await begin(tx, order, { ...cancellation, ...taker });
      return orderId;
    });
    return { order: begun ?? order, isNew: begun !== undefined };
  });
}

async function lockOwnOrder(tx: Transaction, { orderId, customerId }: Cancellation): Promise<SagaOrder> {
  const order = await lockOrder(tx, orderId);
  if (order && (customerId === '' || order.customerId === customerId)) return order;
  throw new AppError({
    reason: 'ORDER_NOT_FOUND',
    message: 'no such order',
    metadata: { order_id: orderId },
  });
}

/** Undefined when the order is being cancelled already, or was. */
async function begin(
  tx: Transaction,
  order: SagaOrder,
  by: Cancellation & Taker,
): Promise<SagaOrder | undefined> {
  if (order.state === 'CANCELLING' || order.state === 'CANCELLED') return undefined;
  if (!transitions[order.state].includes('CANCELLING')) throw notCancellable(order);
  const cancelling: SagaOrder = {
    ...order,
    state: 'CANCELLING',
    step: firstCancellationStep(order.state),
    failures: 0,
    rejection: undefined,
    revision: order.revision + 1,
    updatedAt: by.now,
  };
  const entries = [cancellationEntry(order, by)];
  const fence = { revision: order.revision };
  await recordProgress(tx, { order: cancelling, entries, fence, driver: by.instance });
  return cancelling;
}

function cancellationEntry(order: SagaOrder, { reason, now }: Cancellation & Taker): TimelineEntry {
  return {
    revision: order.revision + 1,
    from: order.state,
    to: 'CANCELLING',
    step: 'REQUEST_CANCELLATION',
    outcome: 'SUCCEEDED',
    attempt: 1,
    time: now,
    traceId: currentTraceId(),
    detail: reason,
  };
}

function notCancellable({ id, state }: SagaOrder): AppError {
  return new AppError({
    reason: 'ILLEGAL_TRANSITION',
    message: `an order that is ${state} cannot be cancelled`,
    metadata: { order_id: id, state },
    preconditions: [{ type: 'STATE', subject: id, description: `the order is ${state}` }],
  });
}
