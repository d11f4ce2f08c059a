import { isAppError } from '../errors/index.js';
import type { Logger } from '../observability/index.js';
import type { Database } from '../postgres/index.js';
import { backoffMs, pause, type Clock } from '../runtime/index.js';
import { isResting, type SagaOrder } from './domain.js';
import type { CallBounds, InventoryPort, OrderEvents, PaymentPort, StepAttempt } from './ports.js';
import { recordProgress } from './saga-store.js';
import { SagaProgress } from './saga-progress.js';
import {
  isCompensation,
  isFinal,
  isRemote,
  nextStep,
  type RemoteStep,
  type StepResult,
} from './saga-plan.js';
import { findOrder } from './store.js';

export interface SagaConfig {
  /** Longest wait for one answer, milliseconds. */
  readonly stepTimeoutMs: number;
  /** Wait of a step before what is known so far is stored, for watchers to see, milliseconds. */
  readonly slowStepMs: number;
  readonly backoff: { readonly baseMs: number; readonly capMs: number };
}

export interface SagaDeps {
  readonly db: Database;
  readonly inventory: InventoryPort;
  readonly payment: PaymentPort;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: OrderEvents;
  readonly config: SagaConfig;
  /** Id of this process among those that drive orders. */
  readonly instance: string;
  /** Hears of every stored change. */
  readonly onProgress: (orderId: string) => void;
}

type Answer = StepResult | { readonly doubt: unknown };

/**
 * Drives one order from where it stands until it rests. The happy path is stored once, at its end:
 * every step is keyed, so after a crash the steps are simply repeated. What leaves the happy path, a
 * step in doubt, a refusal, a compensation, is stored at once.
 */
export class Saga {
  readonly #deps: SagaDeps;

  constructor(deps: SagaDeps) {
    this.#deps = deps;
  }

  /**
   * @returns the order at rest, or as it was last seen when it is no longer this instance's to drive
   * or `signal` aborts
   * @throws AppError DEPENDENCY_UNAVAILABLE when its database cannot be reached
   */
  async drive(order: SagaOrder, signal: AbortSignal): Promise<SagaOrder> {
    const progress = new SagaProgress(order, this.#deps.clock);
    while (!isResting(progress.order.state) && !signal.aborted) {
      if (!(await this.#advance(progress, signal))) return this.#reload(progress.order);
    }
    return progress.order;
  }

  /** Takes one step; false when the order is no longer this instance's to drive. */
  async #advance(progress: SagaProgress, signal: AbortSignal): Promise<boolean> {
    const { step } = progress.order;
    if (isFinal(step)) {
      progress.finish(step);
      return this.#store(progress, signal);
    }
    if (!isRemote(step)) throw new Error(`order ${progress.order.id} cannot be driven from ${step}`);
    const result = await this.#attempt(step, progress, signal);
    if (result === 'superseded') return false;
    if (signal.aborted) return true;
    if ('doubt' in result) return this.#retryLater(progress, result.doubt, signal);
    const next = nextStep(step, result.kind, progress.order.state);
    if (next === undefined) return this.#retryLater(progress, result, signal);
    progress.answered(step, result, next);
    const leavesHappyPath = result.kind === 'refused' || isCompensation(step);
    // The final step is stored together with what led to it.
    return leavesHappyPath && !isFinal(next) ? this.#store(progress, signal) : true;
  }

  /** Calls the other service; while it takes its time, stores what is known, so that watchers see it. */
  async #attempt(
    step: RemoteStep,
    progress: SagaProgress,
    signal: AbortSignal,
  ): Promise<Answer | 'superseded'> {
    const { config } = this.#deps;
    const deadline = Date.now() + config.stepTimeoutMs;
    const answer = this.#ask(step, progress.order, { deadline, signal });
    if (progress.unsaved === 0 || (await settlesWithin(answer, config.slowStepMs))) return answer;
    const stored = await this.#store(progress, signal);
    const result = await answer;
    return stored ? result : 'superseded';
  }

  async #ask(step: RemoteStep, order: SagaOrder, bounds: CallBounds): Promise<Answer> {
    const started = performance.now();
    const answer = await this.#call(step, order, bounds).catch((doubt: unknown) => ({ doubt }));
    const seconds = (performance.now() - started) / 1000;
    this.#deps.events.stepEnded({ step, outcome: outcomeOf(answer), attempt: order.failures + 1, seconds });
    return answer;
  }

  #call(step: RemoteStep, order: SagaOrder, bounds: CallBounds): Promise<StepResult> {
    const { inventory, payment } = this.#deps;
    switch (step) {
      case 'RESERVE_STOCK':
        return inventory.reserve(order, bounds);
      case 'AUTHORIZE_PAYMENT':
        return payment.authorize(order, bounds);
      case 'COMMIT_STOCK':
        return inventory.commit(order, bounds);
      case 'CAPTURE_PAYMENT':
        return payment.capture(order, bounds);
      case 'VOID_PAYMENT':
        return payment.void(order, bounds);
      case 'REFUND_PAYMENT':
        return payment.refund(order, bounds);
      case 'RELEASE_STOCK':
        return inventory.release(order, bounds);
    }
  }

  async #retryLater(progress: SagaProgress, doubt: unknown, signal: AbortSignal): Promise<boolean> {
    const { logger, config } = this.#deps;
    const { id, step } = progress.order;
    progress.inDoubt(doubt);
    const { failures } = progress.order;
    const waitMs = Math.round(backoffMs(failures, config.backoff));
    const fields = { order_id: id, step, attempt: failures, retry_in_ms: waitMs, err: doubt };
    logger.warn(fields, 'saga step in doubt');
    if (!(await this.#store(progress, signal))) return false;
    await pause(waitMs, signal);
    return true;
  }

  /** Writes what is not yet stored; false when the order has moved on without this instance. */
  async #store(progress: SagaProgress, signal: AbortSignal): Promise<boolean> {
    const { events, onProgress } = this.#deps;
    const { order } = progress;
    if (!(await this.#write(progress, signal))) return false;
    progress.saved();
    onProgress(order.id);
    if (isResting(order.state)) events.changed(order);
    return true;
  }

  /** Waits for its turn: under load an order that was accepted must not queue anew behind recovery. */
  async #write({ order, entries, storedRevision }: SagaProgress, signal: AbortSignal): Promise<boolean> {
    const { db, instance, config } = this.#deps;
    const fence = { revision: storedRevision, driver: instance };
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await recordProgress(db, { order, entries, fence, driver: instance });
      } catch (error) {
        // Without a connection nothing was written; after other failures that is not known.
        if (!isAppError(error, 'OVERLOADED')) throw error;
        if (!(await pause(backoffMs(attempt, config.backoff), signal))) throw error;
      }
    }
  }

  async #reload(order: SagaOrder): Promise<SagaOrder> {
    this.#deps.logger.info({ order_id: order.id }, 'order is driven elsewhere');
    return (await findOrder(this.#deps.db, order.id)) ?? order;
  }
}

function outcomeOf(answer: Answer): StepAttempt['outcome'] {
  if ('doubt' in answer) return 'in_doubt';
  return answer.kind === 'done' ? 'succeeded' : 'refused';
}

/** Whether a promise that never rejects settles within a time. On the path of every step: no abort signals here. */
async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const isSettled = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return isSettled;
}
