import type { CreateOrderRequest, Order } from '../../pkg/pb/order/v1/order.js';
import type { Reason } from '../../pkg/errors/index.js';
import { backoffMs, pause } from '../../pkg/runtime/wait.js';
import type { Answer, Refusal } from './answer.js';
import { tryPlace, type PlaceOptions } from './shop.js';
import type { World } from './world.js';

/** Reasons after which the same request may yet be, or become, an order. */
const undecided: ReadonlySet<Reason> = new Set<Reason>([
  'CANCELLED',
  'CONFLICT',
  'DEADLINE_EXCEEDED',
  'DEADLINE_TOO_SHORT',
  'DEPENDENCY_UNAVAILABLE',
  'INTERNAL',
  'OVERLOADED',
  'PAYMENT_IN_DOUBT',
  'SHUTTING_DOWN',
]);

/** Longest time that a request is repeated, milliseconds. */
const persistMs = 30_000;

export interface Persistence extends PlaceOptions {
  /** When to give up, `performance.now()` milliseconds; default: in 30 s. */
  readonly until?: number;
}

export interface Repeated {
  /** Why the request had to be sent again, once for each time. */
  readonly repeats: readonly Reason[];
}

/**
 * Sends the same request, with the same key, until it is answered, as every client should. A refusal
 * is definite, or the time is up; the latency counts every wait.
 */
export async function placeForSure(
  world: World,
  request: CreateOrderRequest,
  { until = performance.now() + persistMs, ...options }: Persistence = {},
): Promise<(Answer<Order> | Refusal) & Repeated> {
  const started = performance.now();
  const repeats: Reason[] = [];
  for (;;) {
    const answer = await tryPlace(world, request, options);
    world.signal.throwIfAborted();
    const isOpen = answer.error !== undefined && undecided.has(answer.error.reason);
    if (!isOpen || performance.now() >= until)
      return { ...answer, latencyMs: performance.now() - started, repeats };
    repeats.push(answer.error.reason);
    await pause(backoffMs(repeats.length, { baseMs: 50, capMs: 500 }), world.signal);
  }
}

/**
 * The same, for orders that must be accepted.
 * @throws AppError when it is not
 */
export async function place(
  world: World,
  request: CreateOrderRequest,
  options?: Persistence,
): Promise<Answer<Order> & Repeated> {
  const answer = await placeForSure(world, request, options);
  if (answer.error) throw answer.error;
  return answer;
}
