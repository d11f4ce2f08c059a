import { connect } from './connect.js';
import type { DatabaseConfig } from '../database.js';
import type { Session } from './session.js';

/**
 * Checks the server on a connection outside of the pool, so that an exhausted pool does not count as a failed
 * server. The connection stays open, because a new connection costs the server a process and a password check.
 */
export class HealthCheck {
  readonly #config: DatabaseConfig;
  #client: Session | undefined;
  #closed = false;

  constructor(config: DatabaseConfig) {
    this.#config = config;
  }

  /**
   * Returns true when `select 1` succeeds. `timeoutMs` limits each step: the connection and each statement. All
   * invocations must pass the same `timeoutMs`, because the open connection keeps the first value.
   */
  async isReachable(timeoutMs: number): Promise<boolean> {
    const client = this.#client;
    this.#client = undefined;
    try {
      if (client) await client.query('select 1');
      this.#keep(client ?? (await connect(this.#config, timeoutMs)));
      return true;
    } catch {
      client?.end().catch(() => undefined);
      // The open connection may be broken while the server works: repeat the check with a new connection.
      return client ? this.isReachable(timeoutMs) : false;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#client?.end().catch(() => undefined);
  }

  /** Keeps one connection: concurrent checks may have opened several connections. */
  #keep(client: Session): void {
    if (this.#client || this.#closed) client.end().catch(() => undefined);
    else this.#client = client;
  }
}
