import type { Reason } from '../../../pkg/errors/index.js';
import type { CreateOrderRequest, Order } from '../../../pkg/pb/order/v1/order.js';
import { backoffMs, pause } from '../../../pkg/runtime/index.js';
import { tryPlaceOrder, type SendOptions } from './actions.js';
import { assertSuccess, type CallFailure, type CallResult, type CallSuccess } from './calls.js';
import type { ScenarioContext } from './scenario-context.js';

/** Reasons of failures after which a client retries the request with the same key. */
const retryableReasons: ReadonlySet<Reason> = new Set<Reason>([
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

const retryTimeoutMs = 30_000;
const backoff = { baseMs: 50, capMs: 500 };

export interface RetryOptions {
  /** Time on the clock of `performance.now()` after which a failed attempt is not retried; 30 s from now by default. */
  readonly deadline?: number;
}

export interface Retries {
  /** The failure reason of each attempt that was retried. */
  readonly retries: readonly Reason[];
}

/**
 * Repeats a call until the call succeeds, the call fails for a reason that is not retryable, or the deadline passes.
 * The latency includes all attempts and waits.
 */
export async function retry<T>(
  call: () => Promise<CallResult<T>>,
  signal: AbortSignal,
  { deadline = performance.now() + retryTimeoutMs }: RetryOptions = {},
): Promise<CallResult<T> & Retries> {
  const started = performance.now();
  const retries: Reason[] = [];
  for (;;) {
    const result = await call();
    signal.throwIfAborted();
    if (!isRetryable(result) || performance.now() >= deadline)
      return { ...result, latencyMs: performance.now() - started, retries };
    retries.push(result.error.reason);
    await pause(backoffMs(retries.length, backoff), signal);
  }
}

/** Places an order and retries the request with the same key, as every client should. */
export function placeOrderWithRetry(
  context: ScenarioContext,
  request: CreateOrderRequest,
  { deadline, ...options }: SendOptions & RetryOptions = {},
): Promise<CallResult<Order> & Retries> {
  const attempt = () => tryPlaceOrder(context, request, options);
  return retry(attempt, context.signal, deadline === undefined ? {} : { deadline });
}

/**
 * Like {@link placeOrderWithRetry}, but throws the error of a failed request.
 * @throws AppError
 */
export async function placeOrder(
  context: ScenarioContext,
  request: CreateOrderRequest,
  options?: SendOptions & RetryOptions,
): Promise<CallSuccess<Order> & Retries> {
  return assertSuccess(await placeOrderWithRetry(context, request, options));
}

function isRetryable<T>(result: CallResult<T>): result is CallFailure {
  return result.error !== undefined && retryableReasons.has(result.error.reason);
}
