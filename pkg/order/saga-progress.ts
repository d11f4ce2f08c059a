import type { Clock } from '../runtime/index.js';
import { isAppError } from '../errors/index.js';
import type { OrderState, SagaOrder, SagaStep, StepOutcome, TimelineEntry } from './domain.js';
import { restingState, type FinalStep, type RemoteStep, type StepResult } from './saga-plan.js';
import { currentTraceId } from './trace-id.js';

/** Attempts in doubt that each get a line in the timeline; of later ones only every power of two. */
const listedAttempts = 4;

/** An order under its saga in memory: where it stands now, and what of that is not yet stored. */
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

  /** Timeline entries not yet stored. */
  get entries(): readonly TimelineEntry[] {
    return this.#entries;
  }

  get unsaved(): number {
    return this.#entries.length;
  }

  get storedRevision(): number {
    return this.#storedRevision;
  }

  saved(): void {
    this.#entries = [];
    this.#storedRevision = this.#order.revision;
  }

  /** Another service gave a definite answer to a step that led on to `next`. */
  answered(step: RemoteStep, result: StepResult, next: SagaStep): void {
    const { state, rejection, failures } = this.#order;
    const isDone = result.kind === 'done';
    this.#append({
      step,
      outcome: isDone ? 'SUCCEEDED' : 'REFUSED',
      to: state,
      attempt: failures + 1,
      detail: result.detail ?? '',
    });
    // The first refusal is the reason; a refusal while compensating (a void of captured money) is none.
    const reason = rejection ?? (isDone || state === 'CANCELLING' ? undefined : result.rejection);
    this.#order = { ...this.#order, step: next, failures: 0, rejection: reason };
  }

  /** A step ended without a definite answer. */
  inDoubt(doubt: unknown): void {
    const { step, state, failures } = this.#order;
    const attempt = failures + 1;
    const isListed = attempt <= listedAttempts || (attempt & (attempt - 1)) === 0;
    if (isListed) this.#append({ step, outcome: 'IN_DOUBT', to: state, attempt, detail: describe(doubt) });
    this.#order = { ...this.#order, failures: attempt, updatedAt: this.clock.now() };
  }

  /** The order comes to rest. */
  finish(step: FinalStep): void {
    this.#append({ step, outcome: 'SUCCEEDED', to: restingState[step], attempt: 1, detail: '' });
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

/** For the timeline, which customers may read: the reason of a failure, never its message. */
function describe(doubt: unknown): string {
  return isAppError(doubt) ? doubt.reason : 'INTERNAL';
}
