import { pause } from '../runtime/index.js';

export interface CachedQueryOptions<T> {
  readonly read: () => Promise<T>;
  readonly ttlMs: number;
  /** A query that exceeds this time counts as failed. */
  readonly timeoutMs: number;
  readonly onFailure: (error: unknown) => void;
}

/** Time between queries while queries fail, so that a failing database receives few queries. */
const failureTtlMs = 1000;

/** Caches the result of a query for `ttlMs`. At most one query runs at a time, and concurrent callers share its result. */
export class CachedQuery<T> {
  readonly #options: CachedQueryOptions<T>;
  #isRunning = false;
  #expiresAt = Number.NEGATIVE_INFINITY;
  #latest: Promise<T | undefined> = Promise.resolve(undefined);

  constructor(options: CachedQueryOptions<T>) {
    this.#options = options;
  }

  /** Returns the cached or a new result, or undefined after a failure or timeout. */
  latest(): Promise<T | undefined> {
    if (!this.#isRunning && performance.now() >= this.#expiresAt) this.#latest = this.#run();
    return this.#latest;
  }

  async #run(): Promise<T | undefined> {
    const { read, ttlMs, timeoutMs, onFailure } = this.#options;
    this.#isRunning = true;
    this.#expiresAt = Number.POSITIVE_INFINITY;
    const query = read().finally(() => {
      this.#isRunning = false;
    });
    try {
      const value = await withTimeout(timeoutMs, query);
      this.#expiresAt = performance.now() + ttlMs;
      return value;
    } catch (error) {
      this.#expiresAt = performance.now() + failureTtlMs;
      onFailure(error);
      return undefined;
    }
  }
}

async function withTimeout<T>(timeoutMs: number, query: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const timeout = pause(timeoutMs, timer.signal).then((): never => {
    throw new Error(`no result within ${timeoutMs} ms`);
  });
  try {
    return await Promise.race([query, timeout]);
  } finally {
    // The promise that lost the race may still reject.
    query.catch(() => undefined);
    timeout.catch(() => undefined);
    timer.abort();
  }
}
