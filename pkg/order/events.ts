import type { Logger } from '../observability/index.js';
import { rejectionOf, type Order, type SagaOrder, type SagaStep, type StepOutcome } from './domain.js';
import type { ClaimRoundOutcome, OrderMetrics } from './metrics.js';
import type { StepAttempt } from './saga/plan.js';

/** An action of an operator and its outcome. */
export interface OperatedAction {
  readonly step: SagaStep;
  readonly outcome: StepOutcome;
  readonly actor: string;
}

/** Receives the events of orders for metrics and logs. */
export interface OrderEvents {
  /** Called after the commit that makes an order PENDING, CANCELLING or terminal. */
  changed(order: Order): void;
  /** Called when this instance claims an order without a live driver. */
  recovered(order: SagaOrder): void;
  /** Called after the commit of an operator's action. */
  operated(order: Order, action: OperatedAction): void;
  /** Called when this instance sets an order aside that it cannot read or drive. */
  setAside(): void;
  /** Called after each round of claims. A round is skipped when the heartbeat of this instance is late. */
  claimRound(outcome: ClaimRoundOutcome): void;
  /** Called after each attempt of a step. */
  stepEnded(attempt: StepAttempt): void;
}

/** Counts events in metrics, and logs one line for each state change and each claim. */
export function orderEvents(logger: Pick<Logger, 'info'>, metrics: OrderMetrics): OrderEvents {
  return {
    changed: (order) => {
      metrics.countChange(order);
      logger.info({ ...fieldsOf(order), rejection_reason: rejectionOf(order)?.reason }, 'order changed');
    },
    recovered: (order) => {
      metrics.countRecovery();
      logger.info({ ...fieldsOf(order), step: order.step }, 'order claimed');
    },
    operated: (order, { step, outcome, actor }) =>
      logger.info({ ...fieldsOf(order), step, outcome, actor }, 'operator action'),
    setAside: () => metrics.countSetAside(),
    claimRound: (outcome) => metrics.countClaimRound(outcome),
    stepEnded: (attempt) => metrics.countAttempt(attempt),
  };
}

function fieldsOf({ id, customerId, state, total }: Order): object {
  return {
    order_id: id,
    customer_id: customerId,
    state,
    total_amount: total.minor,
    currency: total.currency,
  };
}
