import { AppError, isAppError } from '../../errors/index.js';
import type { WaitLimits } from '../database.js';

export interface QueueLimits {
  /** Number of callers that hold a place at the same time. */
  readonly places: number;
  /** Maximum number of waiting callers. */
  readonly waiting: number;
  /** Maximum wait for a place. */
  readonly timeoutMs: number;
}

interface Waiter {
  admit(): void;
}

/**
 * The queue in front of the connection pool, first in, first out. The queue of the driver has no way to leave: a caller
 * that has given up would still get a connection, and its statement would take time from callers that wait for a result.
 */
export class ConnectionQueue {
  readonly #limits: QueueLimits;
  readonly #waiters = new Set<Waiter>();
  #used = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /**
   * Waits for a place. The caller must call {@link leave} once when it no longer needs the place.
   * @throws AppError OVERLOADED when the queue is full or the wait is too long, DEADLINE_EXCEEDED after the deadline, or
   *   the reason of the signal
   */
  async enter(limits: WaitLimits): Promise<void> {
    if (hasEnded(limits)) throw waitEnded(limits);
    if (this.#used < this.#limits.places) {
      this.#used += 1;
      return;
    }
    if (this.#waiters.size >= this.#limits.waiting)
      throw new AppError({ reason: 'OVERLOADED', message: 'too many calls wait for the database' });
    await this.#wait(limits);
  }

  leave(): void {
    const [next] = this.#waiters;
    if (next) next.admit();
    else this.#used -= 1;
  }

  #wait(limits: WaitLimits): Promise<void> {
    const { deadline = Infinity, signal } = limits;
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.#waiters.delete(waiter);
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        settle();
      };
      const abort = (): void => end(() => reject(waitEnded(limits)));
      const waiter = { admit: () => end(resolve) };
      const remainingMs = Math.max(0, deadline - Date.now());
      const timer = setTimeout(
        () => end(() => reject(remainingMs < this.#limits.timeoutMs ? waitEnded(limits) : poolExhausted())),
        Math.min(remainingMs, this.#limits.timeoutMs),
      );
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiters.add(waiter);
    });
  }
}

function hasEnded({ deadline = Infinity, signal }: WaitLimits): boolean {
  return signal?.aborted === true || Date.now() >= deadline;
}

/** Returns the error of a caller that no longer waits: the reason of its signal, or DEADLINE_EXCEEDED. */
export function waitEnded({ signal }: WaitLimits): AppError {
  if (signal?.aborted !== true)
    return new AppError({
      reason: 'DEADLINE_EXCEEDED',
      message: 'the deadline expired before a database connection was free',
    });
  const reason: unknown = signal.reason;
  return isAppError(reason)
    ? reason
    : new AppError({ reason: 'CANCELLED', message: 'the call was cancelled', cause: reason });
}

function poolExhausted(): AppError {
  return new AppError({ reason: 'OVERLOADED', message: 'the database connection pool is exhausted' });
}
