import type { Clock } from '../../runtime/index.js';
import { isAppError } from '../../errors/index.js';
import { currentTraceId } from '../../observability/index.js';
import type {
  OrderState,
  PaymentAction,
  SagaOrder,
  SagaStep,
  StepOutcome,
  TimelineEntry,
} from '../domain.js';
import { terminalState, type FinalStep, type Refusal, type RemoteStep } from './plan.js';

/**
 * The first attempts in doubt, up to this number, have a timeline entry. After that, attempts 8, 16, 32 … have an
 * entry.
 */
const listedAttempts = 4;

/** The current order of a running saga, and its unsaved timeline entries. */
export class SagaProgress {
  #order: SagaOrder;
  #entries: TimelineEntry[] = [];
  #storedRevision: number;

  constructor(
    order: SagaOrder,
    readonly clock: Clock,
  ) {
    this.#order = order;
    this.#storedRevision = order.revision;
  }

  get order(): SagaOrder {
    return this.#order;
  }

  get entries(): readonly TimelineEntry[] {
    return this.#entries;
  }

  get storedRevision(): number {
    return this.#storedRevision;
  }

  /** Must be called after `entries` are stored. */
  saved(): void {
    this.#entries = [];
    this.#storedRevision = this.#order.revision;
  }

  /** Adds an entry for a definite answer to `step`, and continues with the step `next`. */
  answered(
    step: RemoteStep,
    result: { readonly kind: 'done'; readonly detail?: string } | Refusal,
    next: SagaStep,
  ): void {
    const { state, rejection, failures } = this.#order;
    const isDone = result.kind === 'done';
    this.#append({
      step,
      outcome: isDone ? 'SUCCEEDED' : 'REFUSED',
      to: state,
      attempt: failures + 1,
      detail: result.detail ?? '',
    });
    // The rejection is the first refusal, and not a later refusal during compensation.
    const reason = rejection ?? (isDone || state === 'CANCELLING' ? undefined : result.rejection);
    this.#order = {
      ...this.#order,
      step: next,
      failures: 0,
      rejection: reason,
      paymentAction: undefined,
      waitingSince: undefined,
      // An older version may have claimed a blocked order.
      block: undefined,
    };
  }

  /** Stops a compensation that was refused. A blocked order ends CANCELLED, also if it would have been rejected. */
  blocked(reason: string): void {
    const { step, failures } = this.#order;
    this.#append({ step, outcome: 'REFUSED', to: 'CANCELLING', attempt: failures + 1, detail: reason });
    const block = { reason, since: this.#order.updatedAt };
    this.#order = { ...this.#order, failures: 0, rejection: undefined, block };
  }

  /**
   * Stores what the customer must do. Adds an entry for a new action only, because the saga polls the payment.
   * @param now time of the database, as other replicas continue the wait
   */
  waiting(action: PaymentAction, now: Date): void {
    const { step, state, failures, paymentAction, waitingSince } = this.#order;
    const isKnown =
      paymentAction?.url === action.url && paymentAction.dueAt.getTime() === action.dueAt.getTime();
    if (!isKnown)
      this.#append({
        step,
        outcome: 'IN_DOUBT',
        to: state,
        attempt: failures + 1,
        detail: 'PAYMENT_ACTION_REQUIRED',
      });
    this.#order = {
      ...this.#order,
      failures: 0,
      paymentAction: action,
      waitingSince: isKnown ? waitingSince : now,
      updatedAt: this.clock.now(),
    };
  }

  /** Counts an attempt without a definite answer, and adds an entry if the attempt is listed. */
  inDoubt(doubt: unknown): void {
    const { step, state, failures } = this.#order;
    const attempt = failures + 1;
    const isListed = attempt <= listedAttempts || (attempt & (attempt - 1)) === 0;
    if (isListed) this.#append({ step, outcome: 'IN_DOUBT', to: state, attempt, detail: describe(doubt) });
    this.#order = { ...this.#order, failures: attempt, updatedAt: this.clock.now() };
  }

  /** Makes the order terminal. */
  finish(step: FinalStep): void {
    this.#append({ step, outcome: 'SUCCEEDED', to: terminalState[step], attempt: 1, detail: '' });
  }

  #append(entry: {
    step: SagaStep;
    outcome: StepOutcome;
    to: OrderState;
    attempt: number;
    detail: string;
  }): void {
    const time = this.clock.now();
    const revision = this.#order.revision + 1;
    this.#entries.push({ ...entry, revision, from: this.#order.state, time, traceId: currentTraceId() });
    this.#order = { ...this.#order, revision, state: entry.to, updatedAt: time };
  }
}

/** Customers read the timeline, so an entry has the reason of an error and not the message. */
function describe(doubt: unknown): string {
  return isAppError(doubt) ? doubt.reason : 'INTERNAL';
}
