import { connectWithRetries } from './connect.js';
import type { Database, DatabaseConfig, DatabaseLogger } from './database.js';
import { PooledDatabase } from './pooled-database.js';

/**
 * Opens a pool, waiting up to `connectTimeoutMs` for a server that does not answer yet.
 *
 * @throws AppError DEPENDENCY_UNAVAILABLE that says what to do when there is no usable database
 */
export async function openDatabase(config: DatabaseConfig, logger: DatabaseLogger): Promise<Database> {
  await connectWithRetries(config, logger);
  return new PooledDatabase(config, logger);
}
