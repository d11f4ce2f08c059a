import { AppError } from '../../errors/index.js';

/** An admitted call. */
export interface Admitted {
  abort(reason: AppError): void;
}

/** Number of waiting calls for each call in progress. A waiting call uses memory, but almost no processor time. */
const waitingPerCall = 10;

/**
 * Limits the number of calls in progress. Under overload, rejecting a call costs less than queueing the call. Calls that
 * only wait for an event do not count, up to a limit of their own.
 */
export class Admission {
  readonly #calls = new Set<Admitted>();
  readonly #waiting = new Set<Admitted>();
  #isClosed = false;

  constructor(readonly limit: number) {}

  get inFlight(): number {
    return this.#calls.size + this.#waiting.size;
  }

  /** @throws AppError OVERLOADED when the limit is reached, SHUTTING_DOWN after `close` */
  enter(call: Admitted): void {
    if (this.#isClosed) throw shuttingDown();
    if (this.#calls.size >= this.limit)
      throw new AppError({
        reason: 'OVERLOADED',
        message: `the server has reached its limit of ${this.limit} calls`,
        retryAfterMs: 250,
      });
    this.#calls.add(call);
  }

  /** Frees the place of a call that only waits from now on. At the limit of waiting calls, the call keeps its place. */
  wait(call: Admitted): void {
    if (this.#waiting.size < waitingPerCall * this.limit && this.#calls.delete(call)) this.#waiting.add(call);
  }

  leave(call: Admitted): void {
    this.#calls.delete(call);
    this.#waiting.delete(call);
  }

  /** Aborts the calls in progress with SHUTTING_DOWN and rejects new calls. */
  close(): void {
    this.#isClosed = true;
    for (const call of [...this.#calls, ...this.#waiting]) call.abort(shuttingDown());
  }
}

export function shuttingDown(): AppError {
  return new AppError({ reason: 'SHUTTING_DOWN', message: 'the server is shutting down', retryAfterMs: 100 });
}
