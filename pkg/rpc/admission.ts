import { AppError } from '../errors/index.js';

/** A call that can be ended from outside. */
export interface Admitted {
  abort(reason: AppError): void;
}

/** Bounds how many calls are served at once, so that too much load is refused early and cheaply. */
export class Admission {
  readonly #calls = new Set<Admitted>();
  #isClosed = false;

  constructor(readonly limit: number) {}

  get inFlight(): number {
    return this.#calls.size;
  }

  /** @throws AppError OVERLOADED when the limit is reached, SHUTTING_DOWN once closed */
  enter(call: Admitted): void {
    if (this.#isClosed) throw shuttingDown();
    if (this.#calls.size >= this.limit)
      throw new AppError({
        reason: 'OVERLOADED',
        message: `the server is at its limit of ${this.limit} calls`,
        retryAfterMs: 250,
      });
    this.#calls.add(call);
  }

  leave(call: Admitted): void {
    this.#calls.delete(call);
  }

  /** Ends the calls under way with SHUTTING_DOWN and refuses further ones. */
  close(): void {
    this.#isClosed = true;
    for (const call of this.#calls) call.abort(shuttingDown());
  }
}

/** Why a server that ends also ends its calls. */
export function shuttingDown(): AppError {
  return new AppError({ reason: 'SHUTTING_DOWN', message: 'the server is shutting down', retryAfterMs: 100 });
}
