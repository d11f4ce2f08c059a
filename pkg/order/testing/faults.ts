import { setMaxListeners } from 'node:events';
import { AppError } from '../../errors/index.js';
import { pause } from '../../runtime/index.js';
import type { PaymentAction, Rejection, SagaOrder } from '../domain.js';
import type { CallOptions } from '../../rpc/index.js';
import type { StepResult } from '../saga/plan.js';
import { aRefusal } from './builders.js';

/**
 * Runs before the `effect` of one call of a step, and may apply or replace the effect. If a fault returns undefined,
 * the effect is applied. If a fault returns a refusal, the refusal is stored in the ledger.
 */
export type Fault = (
  order: SagaOrder,
  options: CallOptions,
  effect: () => StepResult,
) => Promise<StepResult | undefined>;

const none: Fault = async () => undefined;

/** Applies the first fault to the first call, the second fault to the second call, and so on. */
export function inSequence(...faults: readonly Fault[]): Fault {
  let calls = 0;
  return (order, options, effect) => {
    calls += 1;
    return (faults[calls - 1] ?? none)(order, options, effect);
  };
}

export function times(count: number, fault: Fault): Fault {
  return inSequence(...Array.from({ length: count }, () => fault));
}

/** Takes effect after a time. */
export function takingMs(ms: number): Fault {
  return async () => void (await pause(ms));
}

/** Fails without an effect. */
export function failing(error: Error): Fault {
  return async () => {
    throw error;
  };
}

/** Applies the effect, then fails as if the answer was lost. */
export function losingAnswer(error: Error): Fault {
  return async (_order, _options, effect) => {
    effect();
    throw error;
  };
}

export function refusing(rejection: Rejection, detail: string = rejection.reason): Fault {
  return async () => aRefusal(rejection, detail);
}

/** Answers without an effect that the customer must act. */
export function waitingFor(action: PaymentAction): Fault {
  return async () => ({ kind: 'waiting', action });
}

/** Waits without an effect until the deadline passes or the call is cancelled, then fails. */
export const hanging: Fault = async (_order, { deadline = 0, signal }) => {
  const reason = (await pause(deadline - Date.now(), signal)) ? 'DEADLINE_EXCEEDED' : 'CANCELLED';
  throw new AppError({ reason, message: 'no answer' });
};

/** Blocks calls of steps until the gate is opened. */
export class Gate {
  /** Resolves when the first call has arrived. */
  readonly reached: Promise<void>;
  #arrive: () => void = () => undefined;
  readonly #opening = new AbortController();

  constructor() {
    setMaxListeners(0, this.#opening.signal);
    this.reached = new Promise((resolve) => {
      this.#arrive = resolve;
    });
  }

  open(): void {
    this.#opening.abort();
  }

  /**
   * Blocks a call until the gate opens, even after the deadline of the call, and then applies `then`. A cancelled call
   * fails.
   */
  beforeEffect(then: Fault = none): Fault {
    return async (order, options, effect) => {
      this.#arrive();
      await this.#opened(options.signal);
      return then(order, options, effect);
    };
  }

  /** Blocks a call that has no step until the gate opens. */
  async opened(): Promise<void> {
    this.#arrive();
    await this.#opened();
  }

  /** Applies the effect of a call, and then blocks its answer. */
  readonly afterEffect: Fault = async (_order, { signal }, effect) => {
    const result = effect();
    this.#arrive();
    await this.#opened(signal);
    return result;
  };

  async #opened(cancel?: AbortSignal): Promise<void> {
    const opening = this.#opening.signal;
    await pause(0x7fffffff, cancel ? AbortSignal.any([opening, cancel]) : opening);
    if (!opening.aborted) throw new AppError({ reason: 'CANCELLED', message: 'the call was cancelled' });
  }
}
