import { AppError } from '../../errors/index.js';
import { hasEnded, onWaitEnd, waitEnded, type WaitLimits } from '../../runtime/index.js';

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
    if (hasEnded(limits)) throw connectionWaitEnded(limits);
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
    const timeout = Date.now() + this.#limits.timeoutMs;
    const { deadline = Infinity, signal } = limits;
    return new Promise((resolve, reject) => {
      const waiter = {
        admit: () => {
          this.#waiters.delete(waiter);
          stop();
          resolve();
        },
      };
      const bounds = { deadline: Math.min(deadline, timeout), ...(signal && { signal }) };
      const stop = onWaitEnd(bounds, () => {
        this.#waiters.delete(waiter);
        const isOwnLimit = signal?.aborted === true || deadline < timeout;
        reject(isOwnLimit ? connectionWaitEnded(limits) : poolExhausted());
      });
      this.#waiters.add(waiter);
    });
  }
}

/** Returns the error of a caller that no longer waits for a connection. */
export function connectionWaitEnded(limits: WaitLimits): AppError {
  return waitEnded(limits, 'the deadline expired before a database connection was free');
}

function poolExhausted(): AppError {
  return new AppError({ reason: 'OVERLOADED', message: 'the database connection pool is exhausted' });
}
