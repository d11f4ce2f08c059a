import { every } from './wait.js';

export interface FailureLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Constant log messages, such as `heartbeat failed` and `heartbeat recovered`. */
export interface FailureMessages {
  readonly failed: string;
  readonly recovered: string;
}

/**
 * Logs the failures of a recurring task: the first failure with its error, and the recovery with the number of
 * failures. Other failures are not logged.
 */
export class FailureLogger {
  readonly #logger: FailureLog;
  readonly #messages: FailureMessages;
  #failures = 0;

  constructor(logger: FailureLog, messages: FailureMessages) {
    this.#logger = logger;
    this.#messages = messages;
  }

  failed(err: unknown): void {
    this.#failures += 1;
    if (this.#failures === 1) this.#logger.warn({ err }, this.#messages.failed);
  }

  recovered(): void {
    if (this.#failures === 0) return;
    this.#logger.info({ failures: this.#failures }, this.#messages.recovered);
    this.#failures = 0;
  }
}

/** Runs `task` like {@link every}, and reports the result of each run to `failures`. */
export function everyLogged(
  intervalMs: number,
  task: (signal: AbortSignal) => Promise<void>,
  failures: FailureLogger,
): { close(): Promise<void> } {
  return every(
    intervalMs,
    async (signal) => {
      await task(signal);
      failures.recovered();
    },
    (error) => failures.failed(error),
  );
}
