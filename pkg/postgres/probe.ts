import type pg from 'pg';
import { open } from './connect.js';
import type { DatabaseConfig } from './database.js';

/**
 * Asks whether the server answers, on a connection of its own, so that a busy pool is not mistaken for
 * a dead server. It stays open: a new one costs the server a process and a password check.
 */
export class Probe {
  readonly #config: DatabaseConfig;
  #client: pg.Client | undefined;
  #closed = false;

  constructor(config: DatabaseConfig) {
    this.#config = config;
  }

  /** Whether `select 1` is answered within `timeoutMs`, which must be the same each time. */
  async answers(timeoutMs: number): Promise<boolean> {
    const client = this.#client;
    this.#client = undefined;
    try {
      if (client) await client.query('select 1');
      this.#keep(client ?? (await open(this.#config, timeoutMs)));
      return true;
    } catch {
      client?.end().catch(() => undefined);
      // The connection may be what broke, not the server.
      return client ? this.answers(timeoutMs) : false;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#client?.end().catch(() => undefined);
  }

  /** One is enough when several have asked at once. */
  #keep(client: pg.Client): void {
    if (this.#client || this.#closed) client.end().catch(() => undefined);
    else this.#client = client;
  }
}
