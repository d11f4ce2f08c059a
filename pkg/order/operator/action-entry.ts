import { currentTraceId } from '../../observability/index.js';
import type { OrderState, SagaOrder, SagaStep, TimelineEntry } from '../domain.js';

/** An action of a customer or an operator on an order. */
export interface Action {
  readonly step: SagaStep;
  /** State after the action. */
  readonly to: OrderState;
  /** Operator; empty when the customer acts. */
  readonly actor: string;
  readonly reason: string;
  readonly now: Date;
}

/** Returns the next timeline entry of an order: an action that took effect. */
export function actionEntry(
  { state, revision }: Pick<SagaOrder, 'state' | 'revision'>,
  { step, to, actor, reason, now }: Action,
): TimelineEntry {
  return {
    revision: revision + 1,
    from: state,
    to,
    step,
    outcome: 'SUCCEEDED',
    attempt: 1,
    time: now,
    traceId: currentTraceId(),
    detail: reason,
    actor,
  };
}
