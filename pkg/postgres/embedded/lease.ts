import pg from 'pg';

/** Any number will do that nothing else in the `postgres` database locks. */
const lockKey = 74_310_221;

/**
 * One process's share in a running cluster, held as an advisory lock on an open connection, so that
 * a crash gives it back. The last to leave stops the cluster.
 */
export class Lease {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /**
   * @returns undefined when the cluster is being stopped
   * @throws Error when it does not answer within `timeoutMs`
   */
  static async take(url: string, timeoutMs: number): Promise<Lease | undefined> {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs,
      application_name: 'embedded-cluster',
    });
    client.on('error', () => undefined);
    await client.connect();
    if (await isGranted(client, 'pg_try_advisory_lock_shared')) return new Lease(client);
    await client.end();
    return undefined;
  }

  /** Gives the share up; true when nobody else has one, and from then on nobody can take one. */
  async surrender(): Promise<boolean> {
    try {
      // First: of two that leave at once and both still held theirs, neither would be the last.
      await isGranted(this.#client, 'pg_advisory_unlock_shared');
      return await isGranted(this.#client, 'pg_try_advisory_lock');
    } catch {
      // The cluster has gone away, or is about to.
      return true;
    }
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

async function isGranted(client: pg.Client, lockFunction: string): Promise<boolean> {
  const { rows } = await client.query<{ granted: boolean }>(`select ${lockFunction}($1) as granted`, [
    lockKey,
  ]);
  return rows[0]?.granted === true;
}
