import { Session } from '../connection/session.js';

/** Key of the advisory lock; the key must be unique within the `postgres` database. */
const lockKey = 74_310_221;

/**
 * Marks the server as used by this process, with a shared advisory lock that an open connection holds; a crash of the
 * process releases the lock. The last process that releases the lock stops the server.
 */
export class UsageLock {
  readonly #client: Session;

  private constructor(client: Session) {
    this.#client = client;
  }

  /**
   * @returns undefined when another process is stopping the server
   * @throws Error when the server does not respond within `timeoutMs`
   */
  static async acquire(url: string, timeoutMs: number): Promise<UsageLock | undefined> {
    const client = new Session({
      connectionString: url,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      application_name: 'embedded-cluster',
    });
    await client.connect();
    if (await isGranted(client, 'pg_try_advisory_lock_shared')) return new UsageLock(client);
    await client.end();
    return undefined;
  }

  /** Releases the lock. Returns true for the last process; no other process can then acquire the lock. */
  async release(): Promise<boolean> {
    try {
      // The shared lock must be released first: two processes with the shared lock would block each other's exclusive
      // lock, and no process would stop the server.
      await isGranted(this.#client, 'pg_advisory_unlock_shared');
      return await isGranted(this.#client, 'pg_try_advisory_lock');
    } catch {
      // The server has stopped or is stopping.
      return true;
    }
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

async function isGranted(client: Session, lockFunction: string): Promise<boolean> {
  const { rows } = await client.query<{ granted: boolean }>(`select ${lockFunction}(${lockKey}) as granted`);
  return rows[0]?.granted === true;
}
