import { AppError } from '../errors/index.js';
import { transitions, type Cancellation, type SagaOrder, type TimelineEntry } from './domain.js';
import { actionEntry } from './operator/action-entry.js';
import { firstCancellationStep } from './saga/plan.js';

/**
 * Returns the CANCELLING order and its timeline entry, or undefined when the order is already CANCELLING or
 * CANCELLED, or when its cancellation waits for the fulfillment service.
 * @throws AppError ILLEGAL_TRANSITION for a rejected order
 */
export function beginCancellation(
  order: SagaOrder,
  { reason, actor, now }: Pick<Cancellation, 'reason' | 'actor'> & { readonly now: Date },
): { readonly order: SagaOrder; readonly entry: TimelineEntry } | undefined {
  if (order.state === 'CANCELLING' || order.state === 'CANCELLED') return undefined;
  // A later version, which knows this step, has stored the cancellation. It continues the cancellation when the
  // fulfillment has stopped.
  if (order.step === 'STOP_FULFILLMENT') return undefined;
  if (!transitions[order.state].includes('CANCELLING')) throw notCancellable(order);
  return {
    order: {
      ...order,
      state: 'CANCELLING',
      step: firstCancellationStep(order.state),
      failures: 0,
      rejection: undefined,
      nextAttemptAt: undefined,
      paymentAction: undefined,
      waitingSince: undefined,
      revision: order.revision + 1,
      updatedAt: now,
    },
    entry: actionEntry(order, {
      step: 'REQUEST_CANCELLATION',
      to: 'CANCELLING',
      actor: actor ?? '',
      reason,
      now,
    }),
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
