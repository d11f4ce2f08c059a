import { inBackgroundSpan } from '../observability/index.js';
import { pause, type Backoff } from '../runtime/index.js';

/** Maximum number of items that a replica claims at a time, and therefore of its concurrent gateway calls per queue. */
export const claimLimit = 32;

/** Longest delay between two attempts of one item. */
const backoffCapMs = 10_000;

/** Times of the calls to the gateway and of their repetition in the background. */
export interface RetryTimes {
  /** Upper bound of the delay after the first failed attempt of an item; later delays grow exponentially. */
  readonly retryMs: number;
  /** Time that a replica has for one item before another replica may claim it. Exceeds `gatewayTimeoutMs`. */
  readonly leaseMs: number;
  /** Longest gateway call. */
  readonly gatewayTimeoutMs: number;
  /** Time after the last request of a caller at which an authorization unknown to the gateway is voided. */
  readonly abandonMs: number;
}

export function backoffOf({ retryMs }: Pick<RetryTimes, 'retryMs'>): Backoff {
  return { baseMs: retryMs, capMs: backoffCapMs };
}

/**
 * Calls the gateway. The signal of the call aborts with `signal`, at the latest after `gatewayTimeoutMs`. Unlike
 * `AbortSignal.timeout`, no timer remains after the call.
 */
export async function callGateway<T>(
  signal: AbortSignal,
  { gatewayTimeoutMs }: Pick<RetryTimes, 'gatewayTimeoutMs'>,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const abort = (): void => limit.abort();
  const timer = setTimeout(abort, gatewayTimeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await call(limit.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** A pending call to the gateway. */
export interface PendingItem {
  readonly paymentId: string;
  /** Key of a refund; undefined for the authorization or the void of the payment. */
  readonly requestId?: string;
}

/** Pending calls to the gateway, stored in the database and shared by all replicas. */
export interface PendingQueue<T extends PendingItem> {
  /** Name of the span of each item. */
  readonly name: string;
  /** Claims up to `limit` items that are due. No other replica claims them within their lease. */
  claim(limit: number): Promise<readonly T[]>;
  /** Attempts one item. Rejects if the gateway or the database does not answer. */
  attempt(item: T): Promise<unknown>;
}

/** Number of free places from which on more items are claimed while other items are attempted. */
const refillSize = 8;
/** Interval at which a queue without due items is read again while a slow attempt continues. */
const recheckMs = 250;

/**
 * Attempts all items that are due, each in a separate trace. At most {@link claimLimit} attempts run at a time, and items
 * are claimed as attempts end, so that a slow attempt does not delay the others. No more than {@link claimLimit} items
 * are claimed after the last answer, so that an outage of the gateway costs one round of calls per interval. The drain
 * ends when it claims an item for the second time.
 *
 * @throws AggregateError of the attempts that failed
 */
export async function drain<T extends PendingItem>(
  queue: PendingQueue<T>,
  signal: AbortSignal,
): Promise<void> {
  const attempts = new Attempts(queue);
  try {
    for (let isOpen = true; isOpen;) {
      const limit = signal.aborted ? 0 : attempts.room();
      const isClaiming = limit >= refillSize;
      const claimed = isClaiming ? await queue.claim(limit) : [];
      for (const item of claimed) attempts.start(item);
      if (attempts.hasRepeated) break;
      const isFull = isClaiming && claimed.length === limit;
      if (!isFull) isOpen = await attempts.oneEnds(isClaiming ? recheckMs : undefined);
    }
  } finally {
    await attempts.allEnd();
  }
  attempts.throwFailures();
}

/** The running attempts of one queue. */
class Attempts<T extends PendingItem> {
  readonly #queue: PendingQueue<T>;
  readonly #running = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];
  readonly #seen = new Set<string>();
  #hasRepeated = false;
  #started = 0;
  /** Items that were claimed after the last answer. */
  #unanswered = 0;

  constructor(queue: PendingQueue<T>) {
    this.#queue = queue;
  }

  /** Whether an item was claimed twice. */
  get hasRepeated(): boolean {
    return this.#hasRepeated;
  }

  room(): number {
    return claimLimit - Math.max(this.#running.size, this.#unanswered);
  }

  start(item: T): void {
    const key = `${item.paymentId}/${item.requestId ?? ''}`;
    this.#hasRepeated ||= this.#seen.has(key);
    this.#seen.add(key);
    this.#started += 1;
    this.#unanswered += 1;
    const running = this.#attempt(item).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #attempt(item: T): Promise<void> {
    const span = { name: this.#queue.name, attributes: { 'payment.id': item.paymentId } };
    try {
      await inBackgroundSpan(span, () => this.#queue.attempt(item));
      this.#unanswered = 0;
    } catch (error) {
      // When single payments fail for a long time, the first failures are enough for the log.
      if (this.#failures.length < claimLimit) this.#failures.push(error);
    }
  }

  /** Waits until an attempt ends, at most `limitMs`. Returns false if no attempt is running. */
  async oneEnds(limitMs: number | undefined): Promise<boolean> {
    if (this.#running.size === 0) return false;
    const stop = new AbortController();
    const limit = limitMs === undefined ? [] : [pause(limitMs, stop.signal)];
    await Promise.race([...this.#running, ...limit]);
    stop.abort();
    return true;
  }

  async allEnd(): Promise<void> {
    await Promise.all(this.#running);
  }

  throwFailures(): void {
    const { length } = this.#failures;
    if (length > 0)
      throw new AggregateError(this.#failures, `at least ${length} of ${this.#started} attempts failed`);
  }
}
