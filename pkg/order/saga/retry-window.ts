import { pause } from '../../runtime/index.js';
import { isTerminal, type SagaOrder } from '../domain.js';

export type AttemptOutcome = 'SUCCEEDED' | 'FAILED';

/**
 * The outcome of an attempt of a parked order. An attempt succeeds when the other service answers, also when the order
 * then waits for its customer or for an operator. `after` is undefined when the attempt ended with an error.
 */
export function attemptOutcome(before: SagaOrder, after: SagaOrder | undefined): AttemptOutcome {
  if (!after) return 'FAILED';
  const { state, step, block, paymentAction, failures } = after;
  // An attempt in doubt keeps the payment action of an earlier answer, but increases `failures`.
  const isAnswered = block !== undefined || (paymentAction !== undefined && failures === 0);
  return isTerminal(state) || step !== before.step || isAnswered ? 'SUCCEEDED' : 'FAILED';
}

/**
 * Limits how many parked orders are attempted at once. Every success adds one to the limit, so that many parked orders
 * are finished soon after an outage. Every failure takes one away, so that during an outage the attempts do not use the
 * resources of healthy orders.
 */
export class RetryWindow {
  readonly #minimum: number;
  readonly #maximum: number;
  #limit: number;
  #running = 0;
  #onFreed: () => void = () => undefined;

  constructor({ minimum, maximum }: { readonly minimum: number; readonly maximum: number }) {
    this.#minimum = Math.min(minimum, maximum);
    this.#maximum = maximum;
    this.#limit = this.#minimum;
  }

  /** Number of attempts that may start now. */
  get capacity(): number {
    return Math.max(0, this.#limit - this.#running);
  }

  /** Whether recent attempts succeeded. */
  get isOpen(): boolean {
    return this.#limit > this.#minimum;
  }

  /**
   * Waits until a quarter of the limit is free, `ms` pass or `signal` aborts. A wait for each single attempt would cost
   * one claim per order.
   */
  async freed(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#isFreed) return;
    const freed = new AbortController();
    this.#onFreed = () => freed.abort();
    await pause(ms, AbortSignal.any([signal, freed.signal]));
  }

  started(): void {
    this.#running += 1;
  }

  ended(outcome: AttemptOutcome): void {
    this.#running -= 1;
    const limit = this.#limit + (outcome === 'SUCCEEDED' ? 1 : -1);
    this.#limit = Math.min(this.#maximum, Math.max(this.#minimum, limit));
    if (this.#isFreed) this.#onFreed();
  }

  get #isFreed(): boolean {
    return this.capacity * 4 >= this.#limit;
  }
}
