import { AppError } from '../errors/index.js';

/** Bounds how many calls are served at once, so that too much load is refused early and cheaply. */
export class Admission {
  #inFlight = 0;

  constructor(readonly limit: number) {}

  get inFlight(): number {
    return this.#inFlight;
  }

  /** @throws AppError OVERLOADED when the limit is reached */
  enter(): void {
    if (this.#inFlight >= this.limit)
      throw new AppError({
        reason: 'OVERLOADED',
        message: `the server is at its limit of ${this.limit} calls`,
        retryAfterMs: 250,
      });
    this.#inFlight += 1;
  }

  leave(): void {
    this.#inFlight -= 1;
  }
}
