import { setMaxListeners } from 'node:events';
import { AppError } from '../errors/index.js';
import type { Logger } from '../observability/index.js';
import { pause } from '../runtime/index.js';
import type { SagaOrder } from './domain.js';
import type { Saga } from './saga.js';

export interface SagaRunnerDeps {
  readonly saga: Pick<Saga, 'drive'>;
  readonly logger: Logger;
  /** Sagas under way at once. */
  readonly limit: number;
  /** How long a shutdown waits for sagas under way, milliseconds. */
  readonly drainMs: number;
}

/** The sagas under way in this process. They belong to nobody's call: a caller who hangs up stops none. */
export class SagaRunner {
  readonly #deps: SagaRunnerDeps;
  readonly #active = new Map<string, Promise<SagaOrder>>();
  /** All of them: an order that was cancelled may still have its former saga beside its active one. */
  readonly #running = new Set<Promise<SagaOrder>>();
  readonly #stop = new AbortController();
  /** Orders being accepted, whose sagas may start. */
  #admitted = 0;
  #draining = false;

  constructor(deps: SagaRunnerDeps) {
    this.#deps = deps;
    // Every saga under way listens; there are at most `limit`.
    setMaxListeners(0, this.#stop.signal);
  }

  /** Ids of the orders being driven here. */
  get active(): string[] {
    return [...this.#active.keys()];
  }

  /** Sagas under way. */
  get running(): number {
    return this.#running.size;
  }

  get limit(): number {
    return this.#deps.limit;
  }

  /** How many more sagas may start. */
  get capacity(): number {
    const taken = this.#running.size + this.#admitted;
    return this.#draining ? 0 : Math.max(0, this.limit - taken);
  }

  /**
   * Keeps room for a saga that `accept` may start.
   * @throws AppError OVERLOADED when no more sagas may start, SHUTTING_DOWN when the process stops
   */
  async admit<T>(accept: () => Promise<T>): Promise<T> {
    this.#refuseIfFull();
    this.#admitted += 1;
    try {
      return await accept();
    } finally {
      this.#admitted -= 1;
    }
  }

  #refuseIfFull(): void {
    if (this.#draining) throw new AppError({ reason: 'SHUTTING_DOWN', message: 'the service is stopping' });
    if (this.capacity > 0) return;
    const message = `the service is at its limit of ${this.limit} orders under way`;
    throw new AppError({ reason: 'OVERLOADED', message, retryAfterMs: 250 });
  }

  /**
   * Drives an order in the background; the promise, which may be ignored, tells how it stands in the
   * end. A saga that fails is left to recovery. One order may be started anew when a cancellation has
   * moved it: the older saga then finds its writes fenced off and ends.
   */
  start(order: SagaOrder): Promise<SagaOrder> {
    const running = this.#deps.saga.drive(order, this.#stop.signal).finally(() => {
      this.#running.delete(running);
      if (this.#active.get(order.id) === running) this.#active.delete(order.id);
    });
    this.#running.add(running);
    this.#active.set(order.id, running);
    running.catch((error: unknown) =>
      this.#deps.logger.error({ err: error, order_id: order.id }, 'saga interrupted, left to recovery'),
    );
    return running;
  }

  /** Waits for the sagas under way, then stops the rest where they are. */
  async close(): Promise<void> {
    this.#draining = true;
    const timer = new AbortController();
    await Promise.race([this.#settled(), pause(this.#deps.drainMs, timer.signal)]);
    timer.abort();
    this.#stop.abort();
    await this.#settled();
  }

  async #settled(): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.allSettled(this.#running);
    }
  }
}
