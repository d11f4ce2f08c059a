import type { IdSource } from '../../runtime/index.js';
import {
  isTerminal,
  type OperatorAction,
  type Resolution,
  type SagaOrder,
  type SagaStep,
  type TimelineEntry,
} from '../domain.js';
import { isRemote, nextStep, type RemoteStep } from '../saga/plan.js';
import { actionEntry } from './action-entry.js';
import { illegalAction } from './errors.js';

export interface ActionContext {
  readonly now: Date;
  readonly newId: IdSource;
}

/** An order after an action of an operator, with the timeline entry. */
export interface OperatorChange {
  readonly order: SagaOrder;
  readonly entry: TimelineEntry;
}

/**
 * Ends the block of an order, and starts the attempts of its step again.
 * @throws AppError ILLEGAL_TRANSITION for a terminal order
 */
export function retryOrder(order: SagaOrder, action: OperatorAction, context: ActionContext): OperatorChange {
  if (isTerminal(order.state)) throw illegalAction(order, 'cannot be retried');
  return appendEntry(unblock(order, context), 'RETRY_ORDER', { action, context });
}

/**
 * Ends the block of an order whose step has taken effect by other means. The payment service must have stored
 * the void before a blocked void is resolved, and an external refund before a blocked refund is resolved; the inventory
 * service must have released the reservation before a blocked release is resolved.
 * @throws AppError ILLEGAL_TRANSITION for an order that is not blocked
 */
export function resolveOrder(
  order: SagaOrder,
  action: OperatorAction,
  context: ActionContext,
): OperatorChange & { readonly resolution: Resolution } {
  const { block, step } = order;
  if (!block || !isRemote(step)) throw illegalAction(order, 'and not blocked cannot be resolved');
  const { actor, reason } = action;
  const resolution = { step, actor, reason };
  const resolved = { ...unblock(order, context), step: stepAfter(step, order), resolution };
  return { ...appendEntry(resolved, 'RESOLVE_ORDER', { action, context }), resolution };
}

function stepAfter(step: RemoteStep, { state }: SagaOrder): SagaStep {
  const next = nextStep(step, { kind: 'done' }, { state, origin: 'STORAGE', failures: 0 });
  return next === 'BLOCKED' ? step : next;
}

/** Whether an equal earlier call has resolved the order. */
export function isResolvedBy({ block, resolution }: SagaOrder, { actor, reason }: OperatorAction): boolean {
  return !block && resolution?.actor === actor && resolution.reason === reason;
}

/** The payment service stores a rejected refund under its key, so a blocked refund gets a new key. */
function unblock(order: SagaOrder, { newId }: ActionContext): SagaOrder {
  const refundId = order.block && order.step === 'REFUND_PAYMENT' ? newId() : order.refundId;
  return { ...order, block: undefined, failures: 0, refundId };
}

function appendEntry(
  order: SagaOrder,
  step: SagaStep,
  { action: { actor, reason }, context: { now } }: { action: OperatorAction; context: ActionContext },
): OperatorChange {
  const entry = actionEntry(order, { step, to: order.state, actor, reason, now });
  return { order: { ...order, revision: entry.revision, updatedAt: now }, entry };
}
