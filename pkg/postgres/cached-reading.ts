import { pause } from '../runtime/wait.js';

export interface CachedReadingOptions<T> {
  readonly read: () => Promise<T>;
  /** How long one reading serves all who ask, milliseconds. */
  readonly lastsMs: number;
  /** Longest wait for a reading, milliseconds; one that takes longer has failed. */
  readonly limitMs: number;
  readonly onFailure: (error: unknown) => void;
}

/** So that several who ask at once do not press a database that is in trouble. */
const failureLastsMs = 1000;

/** A reading that all who ask share while it is fresh. No second one begins while the first is under way. */
export class CachedReading<T> {
  readonly #options: CachedReadingOptions<T>;
  #isUnderWay = false;
  #expiresAt = Number.NEGATIVE_INFINITY;
  #latest: Promise<T | undefined> = Promise.resolve(undefined);

  constructor(options: CachedReadingOptions<T>) {
    this.#options = options;
  }

  /** Undefined when it failed or took too long. */
  latest(): Promise<T | undefined> {
    if (!this.#isUnderWay && performance.now() >= this.#expiresAt) this.#latest = this.#begin();
    return this.#latest;
  }

  async #begin(): Promise<T | undefined> {
    const { read, lastsMs, limitMs, onFailure } = this.#options;
    this.#isUnderWay = true;
    this.#expiresAt = Number.POSITIVE_INFINITY;
    const reading = read().finally(() => {
      this.#isUnderWay = false;
    });
    try {
      const value = await within(limitMs, reading);
      this.#expiresAt = performance.now() + lastsMs;
      return value;
    } catch (error) {
      this.#expiresAt = performance.now() + failureLastsMs;
      onFailure(error);
      return undefined;
    }
  }
}

async function within<T>(ms: number, reading: Promise<T>): Promise<T> {
  const inTime = new AbortController();
  const tooLate = pause(ms, inTime.signal).then((): never => {
    throw new Error(`no reading within ${ms} ms`);
  });
  try {
    return await Promise.race([reading, tooLate]);
  } finally {
    // Nobody listens to the loser any more.
    reading.catch(() => undefined);
    tooLate.catch(() => undefined);
    inTime.abort();
  }
}
