import { isAppError } from '../../errors/index.js';
import type { Logger } from '../../observability/index.js';
import type { CallOptions } from '../../rpc/index.js';
import { backoffMs, pause, type Clock } from '../../runtime/index.js';
import { isTerminal, type SagaOrder } from '../domain.js';
import type { OrderEvents } from '../events.js';
import type { OrderBatches } from '../order-batches.js';
import type { InventoryPort, PaymentPort } from '../ports.js';
import type { OrderFeed } from '../watch/order-feed.js';
import { latestDueTime, limitDueTime, overdue, refuseOverdue } from './action-due.js';
import { actionPollDelayMs } from './action-poll.js';
import {
  isCompensation,
  isFinal,
  isRemote,
  nextStep,
  type DriveOrigin,
  type Refusal,
  type RemoteStep,
  type StepAttempt,
  type StepResult,
  type Waiting,
} from './plan.js';
import { SagaProgress } from './progress.js';
import type { NextDrive } from './store.js';

export interface SagaConfig {
  /** Maximum duration of one attempt of a step. */
  readonly stepTimeoutMs: number;
  readonly backoff: { readonly baseMs: number; readonly capMs: number };
}

export interface SagaDeps {
  readonly orders: Pick<OrderBatches, 'record' | 'find' | 'databaseTime'>;
  readonly inventory: InventoryPort;
  readonly payment: PaymentPort;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: OrderEvents;
  readonly config: SagaConfig;
  /** Driver id of this process. */
  readonly instance: string;
  /** Shows the timeline entries to watchers, also before they are stored. */
  readonly feed: Pick<OrderFeed, 'follow' | 'unfollow' | 'wake'>;
}

/** `now`: time of the database after the answer. */
type Answer = Exclude<StepResult, Waiting> | (Waiting & { readonly now: Date }) | { readonly doubt: unknown };

/** SUSPENDED: stored without a driver, parked or blocked. SUPERSEDED: another saga took over the order. */
type Advance = 'CONTINUED' | 'SUSPENDED' | 'SUPERSEDED';

/** The running drive of one order. */
interface Drive {
  readonly origin: DriveOrigin;
  readonly signal: AbortSignal;
}

/**
 * Number of attempts in doubt after which the order is parked. An order that was parked before is parked again after
 * one more attempt in doubt.
 */
const attemptsInMemory = 3;

/** Maximum delay before a statement that found no free connection is repeated. */
const maxStatementDelayMs = 250;

/**
 * Drives one order from its current step until the order is terminal, parked or blocked. The entries of the
 * happy path are stored in one write at the end of the saga. After a crash, the steps are repeated
 * with the same idempotency keys. A step in doubt, a refusal and a compensation are stored immediately.
 */
export class Saga {
  readonly #deps: SagaDeps;
  readonly #driven: NextDrive;

  constructor(deps: SagaDeps) {
    this.#deps = deps;
    this.#driven = { kind: 'DRIVEN', driver: deps.instance };
  }

  /**
   * @returns the terminal, parked or blocked order, or the current order when another saga took over or `signal`
   *   aborted
   * @throws AppError DEPENDENCY_UNAVAILABLE when the database is unreachable
   */
  async drive(order: SagaOrder, drive: Drive): Promise<SagaOrder> {
    const progress = new SagaProgress(order, this.#deps.clock);
    this.#deps.feed.follow(order.id, progress);
    try {
      while (!isTerminal(progress.order.state) && !drive.signal.aborted) {
        const advance = await this.#advance(progress, drive);
        if (advance === 'SUPERSEDED') return await this.#reload(progress.order);
        if (advance === 'SUSPENDED') break;
      }
      return progress.order;
    } finally {
      this.#deps.feed.unfollow(order.id, progress);
    }
  }

  /** Executes one step. */
  async #advance(progress: SagaProgress, { origin, signal }: Drive): Promise<Advance> {
    const { step } = progress.order;
    if (isFinal(step)) {
      progress.finish(step);
      return this.#save(progress, signal);
    }
    if (!isRemote(step)) throw new Error(`order ${progress.order.id} cannot be driven from ${step}`);
    const deadline = Date.now() + this.#deps.config.stepTimeoutMs;
    const result = await this.#answer(step, progress.order, { deadline, signal });
    if (signal.aborted) return 'CONTINUED';
    if ('doubt' in result) return this.#retryLater(progress, result.doubt, signal);
    if (result.kind === 'waiting') return this.#wait(progress, result, signal);
    const { state, failures } = progress.order;
    const next = nextStep(step, result, { state, failures, origin });
    if (next === 'BLOCKED') return this.#block(progress, result.detail ?? '', signal);
    progress.answered(step, result, next);
    const leavesHappyPath = result.kind === 'refused' || isCompensation(step);
    // An entry before a final step is stored together with the entry of the final step.
    if (leavesHappyPath && !isFinal(next)) return this.#save(progress, signal);
    this.#deps.feed.wake(progress.order.id);
    return 'CONTINUED';
  }

  async #answer(step: RemoteStep, order: SagaOrder, options: CallOptions): Promise<Answer> {
    const started = performance.now();
    const result = await this.#call(step, order, options)

      .then((called): StepResult | Promise<StepResult> =>
        called.kind === 'waiting' ? this.#limit(called, order, options) : called,
      )
      .catch((doubt: unknown) => ({ doubt }));
    const seconds = (performance.now() - started) / 1000;
    const answer = 'kind' in result && result.kind === 'waiting' ? await this.#date(result, options) : result;
    this.#deps.events.stepEnded({ step, outcome: outcomeOf(answer), attempt: order.failures + 1, seconds });
    return answer;
  }

  #call(step: RemoteStep, order: SagaOrder, options: CallOptions): Promise<StepResult> {
    const { inventory, payment } = this.#deps;
    switch (step) {
      case 'RESERVE_STOCK':
        return inventory.reserve(order, options);
      case 'AUTHORIZE_PAYMENT':
        return payment.authorize(order, options);
      case 'COMMIT_STOCK':
        return inventory.commit(order, options);
      case 'CAPTURE_PAYMENT':
        return payment.capture(order, options);
      case 'VOID_PAYMENT':
        return payment.void(order, options);
      case 'REFUND_PAYMENT':
        return payment.refund(order, options);
      case 'RELEASE_STOCK':
        return inventory.release(order, options);
    }
  }

  /**
   * Makes the reservation outlive the due time of the action. The due time of a known action is stored, so only a new
   * action needs the lifetime of the reservation.
   */
  async #limit(answer: Waiting, order: SagaOrder, options: CallOptions): Promise<Waiting | Refusal> {
    const known = order.paymentAction;
    if (known?.url === answer.action.url) return limitDueTime(answer, known.dueAt);
    const lifetime = await this.#deps.inventory.lifetime(order, options);
    return lifetime ? limitDueTime(answer, latestDueTime(lifetime)) : overdue;
  }

  /** Adds the time of the database to an answer that waits, or refuses the answer. */
  async #date(answer: Waiting, { signal }: CallOptions): Promise<Answer> {
    const now = await this.#execute(() => this.#deps.orders.databaseTime(), signal);
    const decided = refuseOverdue(answer, now);
    return decided.kind === 'waiting' ? { ...decided, now } : decided;
  }

  /** Parks an order whose customer must act. A later drive repeats the authorization. */
  async #wait(
    progress: SagaProgress,
    { action, now }: Waiting & { readonly now: Date },
    signal: AbortSignal,
  ): Promise<Advance> {
    progress.waiting(action, now);
    const { waitingSince, createdAt } = progress.order;
    const delayMs = actionPollDelayMs({
      waitingMs: now.getTime() - (waitingSince ?? createdAt).getTime(),
      untilDueMs: action.dueAt.getTime() - now.getTime(),
    });
    return this.#suspend(progress, { kind: 'PARKED', delayMs: Math.round(delayMs) }, signal);
  }

  /** Blocks an order whose compensation was refused for good. */
  async #block(progress: SagaProgress, reason: string, signal: AbortSignal): Promise<Advance> {
    const { id, step } = progress.order;
    progress.blocked(reason);
    this.#deps.logger.error({ order_id: id, step, reason }, 'saga compensation blocked');
    return this.#suspend(progress, { kind: 'BLOCKED' }, signal);
  }

  async #suspend(progress: SagaProgress, next: NextDrive, signal: AbortSignal): Promise<Advance> {
    return (await this.#store(progress, signal, next)) ? 'SUSPENDED' : 'SUPERSEDED';
  }

  async #retryLater(progress: SagaProgress, doubt: unknown, signal: AbortSignal): Promise<Advance> {
    const { logger, config } = this.#deps;
    const { id, step } = progress.order;
    progress.inDoubt(doubt);
    const { failures } = progress.order;
    const waitMs = Math.round(backoffMs(failures, config.backoff));
    const fields = { order_id: id, step, attempt: failures, retry_in_ms: waitMs, err: doubt };
    logger.warn(fields, 'saga step in doubt');
    if (failures >= attemptsInMemory)
      return this.#suspend(progress, { kind: 'PARKED', delayMs: waitMs }, signal);
    if (!(await this.#store(progress, signal))) return 'SUPERSEDED';
    await pause(waitMs, signal);
    return 'CONTINUED';
  }

  async #save(progress: SagaProgress, signal: AbortSignal): Promise<Advance> {
    return (await this.#store(progress, signal)) ? 'CONTINUED' : 'SUPERSEDED';
  }

  /** Stores the unsaved entries. Returns false when another saga took over the order. */
  async #store(progress: SagaProgress, signal: AbortSignal, next = this.#driven): Promise<boolean> {
    const { orders, instance, events, feed } = this.#deps;
    const { order } = progress;
    const { entries, storedRevision: revision } = progress;
    const update = { order, entries, expected: { revision, driver: instance }, next };
    if (!(await this.#execute(() => orders.record(update), signal))) return false;
    progress.saved();
    feed.wake(order.id);
    if (isTerminal(order.state)) events.changed(order);
    return true;
  }

  /**
   * Executes a statement, and retries while the connection pool is exhausted or another transaction holds the row. Without
   * retries, the saga would end and the order would wait for recovery.
   */
  async #execute<T>(execute: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const backoff = statementBackoff(this.#deps.config);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await execute();
      } catch (error) {
        // After OVERLOADED and CONFLICT, nothing was written. After other errors, the statement may have been executed.
        if (!isAppError(error, 'OVERLOADED') && !isAppError(error, 'CONFLICT')) throw error;
        if (!(await pause(backoffMs(attempt, backoff), signal))) throw error;
      }
    }
  }

  async #reload(order: SagaOrder): Promise<SagaOrder> {
    this.#deps.logger.info({ order_id: order.id }, 'order is driven elsewhere');
    return (await this.#deps.orders.find(order.id)) ?? order;
  }
}

/**
 * The delays are short, because the queue of the pool shrinks as soon as other statements end, and because callers wait
 * for the saga.
 */
function statementBackoff({ backoff: { baseMs, capMs } }: SagaConfig): SagaConfig['backoff'] {
  return { baseMs: Math.min(baseMs, maxStatementDelayMs), capMs: Math.min(capMs, maxStatementDelayMs) };
}

function outcomeOf(answer: Answer): StepAttempt['outcome'] {
  if ('doubt' in answer) return 'in_doubt';
  return answer.kind === 'done' ? 'succeeded' : answer.kind;
}
