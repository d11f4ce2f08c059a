import type { CallOptions } from '../../rpc/index.js';
import { pause, waitUntil } from '../../runtime/index.js';
import { isTerminal, waitsForPerson, type Order, type SagaOrder } from '../domain.js';
import type { OrderBatches } from '../order-batches.js';
import type { OrderFeed } from './order-feed.js';

/** Time between two reads of an order whose newest entry is not stored yet. */
const storePollMs = 50;

/** Minimum time in which the last read may wait for a connection, even after the deadline. */
const lastReadMs = 50;

/** An accepted order. `saga` is set when this process drives the order. */
export interface AcceptedOrder {
  readonly order: SagaOrder;
  readonly saga?: Promise<SagaOrder>;
}

export interface WaitOptions extends CallOptions {
  /** Called before the wait. */
  readonly onWait?: () => void;
}

interface AwaitDeps {
  readonly orders: Pick<OrderBatches, 'find'>;
  readonly feed: Pick<OrderFeed, 'watch'>;
}

/**
 * Waits until an order is terminal, or until it needs an action of its customer or of an operator. Any instance may
 * drive the order. Returns the current order if `deadline` passes or `signal` aborts before that. Never throws, because
 * the order is already accepted.
 */
export async function awaitTerminal(
  deps: AwaitDeps,
  { order, saga }: AcceptedOrder,
  options: WaitOptions,
): Promise<Order> {
  if (isSettled(order)) return order;
  options.onWait?.();
  const ended =
    saga &&
    (await waitUntil(
      saga.catch(() => undefined),
      options,
    ));
  // If the order is not settled when this saga ends, another saga continues the stored order.
  if (ended && isSettled(ended)) return ended;
  const stop = new AbortController();
  const signals = options.signal ? [stop.signal, options.signal] : [stop.signal];
  const watching = watchToEnd(deps, order, AbortSignal.any(signals)).catch(() => undefined);
  await waitUntil(watching, options);
  stop.abort();
  // An error would tell the caller that the order was not accepted.
  const deadline = Math.max(options.deadline ?? Infinity, Date.now() + lastReadMs);
  return (await deps.orders.find(order.id, { deadline }).catch(() => undefined)) ?? order;
}

/** Whether a longer wait is useless for the caller: the order is terminal, or a person must act. */
function isSettled(order: Order): boolean {
  return isTerminal(order.state) || waitsForPerson(order);
}

async function watchToEnd(
  { orders, feed }: AwaitDeps,
  { id, revision }: SagaOrder,
  signal: AbortSignal,
): Promise<void> {
  for await (const entry of feed.watch(id, revision, signal)) {
    if (entry.outcome === 'SUCCEEDED') continue;
    const current = await findStored(orders, { id, revision: entry.revision }, signal);
    if (current && isSettled(current)) return;
  }
}

/** Reads an order as soon as a revision is stored. The feed shows entries before they are stored. */
async function findStored(
  orders: AwaitDeps['orders'],
  { id, revision }: Pick<Order, 'id' | 'revision'>,
  signal: AbortSignal,
): Promise<Order | undefined> {
  for (;;) {
    const order = await orders.find(id, { signal });
    if (!order || order.revision >= revision) return order;
    if (!(await pause(storePollMs, signal))) return undefined;
  }
}
