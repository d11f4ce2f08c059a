import { setMaxListeners } from 'node:events';
import { AppError } from '../../errors/index.js';
import type { Logger } from '../../observability/index.js';
import { pause } from '../../runtime/index.js';
import type { SagaOrder } from '../domain.js';
import type { DriveOrigin } from './plan.js';
import type { Saga } from './saga.js';

export interface SagaRunnerDeps {
  readonly saga: Pick<Saga, 'drive'>;
  readonly logger: Logger;
  /** Maximum number of running sagas of new orders. */
  readonly limit: number;
  /** Maximum time that `close` waits for running sagas before it aborts the sagas. */
  readonly drainMs: number;
}

/** A reserved slot for one saga. */
export interface Permit {
  /** Must be called once: after the saga has started, or when the saga is not started. */
  release(): void;
}

interface Slots {
  readonly limit: number;
  /** All sagas, including the superseded sagas of cancelled orders. */
  readonly running: Set<Promise<SagaOrder>>;
  permits: number;
}

/** Runs the sagas of this process. A cancelled call does not stop the saga of its order. */
export class SagaRunner {
  readonly #deps: SagaRunnerDeps;
  /** The newest saga of each order. */
  readonly #active = new Map<string, Promise<SagaOrder>>();
  /** New orders and stored orders (claims and cancellations) have separate slots, so neither can block the other. */
  readonly #slots: Readonly<Record<DriveOrigin, Slots>>;
  readonly #stop = new AbortController();
  #onRecoverySlot: () => void = () => undefined;
  #draining = false;

  constructor(deps: SagaRunnerDeps) {
    this.#deps = deps;
    this.#slots = {
      ACCEPTED: { limit: deps.limit, running: new Set(), permits: 0 },
      STORAGE: { limit: deps.limit, running: new Set(), permits: 0 },
    };
    // Each running saga adds a listener.
    setMaxListeners(0, this.#stop.signal);
  }

  /** Ids of the orders with a running saga. */
  get active(): string[] {
    return [...this.#active.keys()];
  }

  running(origin: DriveOrigin): number {
    return this.#slots[origin].running.size;
  }

  /** Maximum number of running sagas of an origin. */
  limit(origin: DriveOrigin): number {
    return this.#slots[origin].limit;
  }

  /** Number of sagas of an origin that may start now. */
  capacity(origin: DriveOrigin): number {
    const { limit, running, permits } = this.#slots[origin];
    return this.#draining ? 0 : Math.max(0, limit - running.size - permits);
  }

  /** Reserves a slot for one saga. Returns undefined when no slot is free. */
  reserve(origin: DriveOrigin): Permit | undefined {
    if (this.capacity(origin) === 0) return undefined;
    const slots = this.#slots[origin];
    slots.permits += 1;
    return { release: () => void (slots.permits -= 1) };
  }

  /**
   * Reserves a slot for the saga of a new order.
   * @throws AppError OVERLOADED when no slot is free, SHUTTING_DOWN when the process stops
   */
  admit(): Permit {
    if (this.#draining) throw new AppError({ reason: 'SHUTTING_DOWN', message: 'the service is stopping' });
    const permit = this.reserve('ACCEPTED');
    if (permit) return permit;
    const message = `the service is at its limit of ${this.limit('ACCEPTED')} orders in progress`;
    throw new AppError({ reason: 'OVERLOADED', message, retryAfterMs: 250 });
  }

  /** Waits until a quarter of the recovery slots is free, `ms` pass or `signal` aborts. */
  async recoverySlot(ms: number, signal: AbortSignal): Promise<void> {
    const freed = new AbortController();
    this.#onRecoverySlot = () => freed.abort();
    await pause(ms, AbortSignal.any([signal, freed.signal]));
  }

  /**
   * Drives an order in the background. The returned promise may be ignored: a failure is logged, and recovery
   * continues the order. A cancellation starts a second saga of the order. The writes of the first saga are then
   * rejected, and the first saga ends.
   */
  start(order: SagaOrder, origin: DriveOrigin): Promise<SagaOrder> {
    const slots = this.#slots[origin].running;
    const running = this.#deps.saga.drive(order, { origin, signal: this.#stop.signal }).finally(() => {
      slots.delete(running);
      if (this.#active.get(order.id) === running) this.#active.delete(order.id);
      // Claims wait for a quarter of the slots, because a claim for each single slot would cost one statement per
      // order.
      if (this.capacity('STORAGE') * 4 >= this.limit('STORAGE')) this.#onRecoverySlot();
    });
    slots.add(running);
    this.#active.set(order.id, running);
    running.catch((error: unknown) =>
      this.#deps.logger.error({ err: error, order_id: order.id }, 'saga interrupted, left to recovery'),
    );
    return running;
  }

  /** Waits at most `drainMs` for the running sagas, then aborts the remaining sagas at their current step. */
  async close(): Promise<void> {
    this.#draining = true;
    const timer = new AbortController();
    await Promise.race([this.#settled(), pause(this.#deps.drainMs, timer.signal)]);
    timer.abort();
    this.#stop.abort();
    await this.#settled();
  }

  async #settled(): Promise<void> {
    const { ACCEPTED, STORAGE } = this.#slots;
    while (ACCEPTED.running.size + STORAGE.running.size > 0) {
      await Promise.allSettled([...ACCEPTED.running, ...STORAGE.running]);
    }
  }
}
