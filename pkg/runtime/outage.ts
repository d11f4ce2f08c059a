import { every } from './wait.js';

export interface OutageLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What is logged of an outage: constant messages, such as `heartbeat failed`. */
export interface OutageMessages {
  readonly fails: string;
  readonly works: string;
}

/**
 * Work that is done again and again, and may fail each time for the same reason: says once that it fails, with
 * the first error, and once that it works again.
 */
export class Outage {
  readonly #logger: OutageLogger;
  readonly #messages: OutageMessages;
  #failures = 0;

  constructor(logger: OutageLogger, messages: OutageMessages) {
    this.#logger = logger;
    this.#messages = messages;
  }

  fails(err: unknown): void {
    this.#failures += 1;
    if (this.#failures === 1) this.#logger.warn({ err }, this.#messages.fails);
  }

  works(): void {
    if (this.#failures === 0) return;
    this.#logger.info({ failures: this.#failures }, this.#messages.works);
    this.#failures = 0;
  }
}

/** As {@link every}, with an {@link Outage} that hears of each run. */
export function everyLogged(
  intervalMs: number,
  task: (signal: AbortSignal) => Promise<void>,
  outage: Outage,
): { close(): Promise<void> } {
  return every(
    intervalMs,
    async (signal) => {
      await task(signal);
      outage.works();
    },
    (error) => outage.fails(error),
  );
}
