import { setMaxListeners } from 'node:events';
import { AppError } from '../../errors/index.js';
import { pause } from '../../runtime/index.js';
import type { Rejection, SagaOrder } from '../domain.js';
import type { CallBounds } from '../ports.js';
import type { StepResult } from '../saga-plan.js';

/**
 * What happens at one call of a step, instead of or around its `effect`; undefined lets it take effect.
 * A refusal is written down as definite.
 */
export type Fault = (
  order: SagaOrder,
  bounds: CallBounds,
  effect: () => StepResult,
) => Promise<StepResult | undefined>;

const none: Fault = async () => undefined;

/** The first call meets the first fault and so on; those after the last take effect. */
export function inTurn(...faults: readonly Fault[]): Fault {
  let calls = 0;
  return (order, bounds, effect) => {
    calls += 1;
    return (faults[calls - 1] ?? none)(order, bounds, effect);
  };
}

export function times(count: number, fault: Fault): Fault {
  return inTurn(...Array.from({ length: count }, () => fault));
}

/** No effect, and no answer. */
export function failing(error: Error): Fault {
  return async () => {
    throw error;
  };
}

/** The effect, but no answer. */
export function losingAnswer(error: Error): Fault {
  return async (_order, _bounds, effect) => {
    effect();
    throw error;
  };
}

export function refusing(rejection: Rejection, detail: string = rejection.reason): Fault {
  return async () => ({ kind: 'refused', rejection, detail });
}

/** No answer until the deadline, or until the caller hangs up. */
export const hanging: Fault = async (_order, { deadline, signal }) => {
  const reason = (await pause(deadline - Date.now(), signal)) ? 'DEADLINE_EXCEEDED' : 'CANCELLED';
  throw new AppError({ reason, message: 'no answer' });
};

/** Holds calls back until it is opened. */
export class Gate {
  /** Fulfilled when the first call has arrived. */
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

  /** Holds a call, whatever its deadline, then lets `then` happen; a call that is cancelled fails. */
  before(then: Fault = none): Fault {
    return async (order, bounds, effect) => {
      this.#arrive();
      await this.#opened(bounds.signal);
      return then(order, bounds, effect);
    };
  }

  /** Lets the call take effect, then holds its answer. */
  readonly answer: Fault = async (_order, { signal }, effect) => {
    const result = effect();
    this.#arrive();
    await this.#opened(signal);
    return result;
  };

  async #opened(hangUp?: AbortSignal): Promise<void> {
    const opening = this.#opening.signal;
    await pause(0x7fffffff, hangUp ? AbortSignal.any([opening, hangUp]) : opening);
    if (!opening.aborted) throw new AppError({ reason: 'CANCELLED', message: 'the caller hung up' });
  }
}
