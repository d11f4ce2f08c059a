import pg from 'pg';
import { AppError } from '../../errors/index.js';
import { backoffMs, pause } from '../../runtime/index.js';
import { describeUrl } from './connection-url.js';
import type { DatabaseConfig, DatabaseLogger } from '../database.js';
import { errorCode, isConnectionLoss } from '../errors.js';
import { Session } from './session.js';

/** After this idle time in a transaction, the server ends the session, so that the transaction releases its locks. */
const idleInTransactionTimeoutMs = 10_000;

/** The client times out this much later than the server, because the timeout error of the server is more precise. */
const clientTimeoutMarginMs = 2000;

/** Type id of `int8[]`, which the driver does not export. */
const int8ArrayOid = 1016;

/** These parsers are set per connection, so that other code that uses the driver keeps the default parsers. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, BigInt);
types.setTypeParser(int8ArrayOid, parseBigintArray);

function parseBigintArray(text: string): (bigint | null)[] {
  const items = text.slice(1, -1);
  if (items === '') return [];
  return items.split(',').map((item) => (item === 'NULL' ? null : BigInt(item)));
}

/** Driver configuration of every connection. */
export function clientConfig(config: DatabaseConfig): pg.ClientConfig {
  return {
    connectionString: config.url,
    application_name: config.applicationName ?? 'order-processing',
    connectionTimeoutMillis: config.connectTimeoutMs,
    statement_timeout: config.statementTimeoutMs,
    // Detects a server that no longer responds.
    query_timeout: config.statementTimeoutMs + clientTimeoutMarginMs,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    ...(config.settings && { options: startupOptions(config.settings) }),
    keepAlive: true,
    types,
  };
}

function startupOptions(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

/**
 * Checks that the database accepts connections, with retries for `connectTimeoutMs` while it is unreachable.
 *
 * @throws AppError DEPENDENCY_UNAVAILABLE with the cause and a remedy
 */
export async function connectWithRetries(config: DatabaseConfig, logger: DatabaseLogger): Promise<void> {
  const deadline = Date.now() + config.connectTimeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    const remainingMs = Math.max(deadline - Date.now(), 1);
    try {
      const client = await connect(config, remainingMs);
      // This promise is not awaited, because a server that hangs would delay the caller beyond the deadline.
      client.end().catch(() => undefined);
      return;
    } catch (error) {
      const wait = backoffMs(attempt, { baseMs: 100, capMs: 1_000 });
      if (!isTransient(error) || Date.now() + wait >= deadline) throw connectionError(config, error);
      logger.warn({ attempt, err: error }, 'database not reachable yet');
      await pause(wait);
    }
  }
}

/** Opens a connection outside of the pool and runs `select 1`. `timeoutMs` limits the connection and the statement. */
export async function connect(config: DatabaseConfig, timeoutMs: number): Promise<Session> {
  const client = new Session({
    ...clientConfig({ ...config, connectTimeoutMs: timeoutMs }),
    query_timeout: timeoutMs,
  });
  try {
    await client.connect();
    await client.query('select 1');
    return client;
  } catch (error) {
    client.end().catch(() => undefined);
    throw error;
  }
}

function isTransient(error: unknown): boolean {
  return isConnectionLoss(error) || errorCode(error) === '53300';
}

function connectionError(config: DatabaseConfig, cause: unknown): AppError {
  return new AppError({
    reason: 'DEPENDENCY_UNAVAILABLE',
    message: `cannot use the database at ${describeUrl(config.url)}: ${remedy(cause)}`,
    cause,
  });
}

function remedy(error: unknown): string {
  const code = errorCode(error);
  if (code === '3D000') return 'it does not exist; create it, or check the name in DATABASE_URL';
  if (code?.startsWith('28') === true) {
    return 'the server rejects the user; check the user and password in DATABASE_URL';
  }
  if (code === '53300') {
    return 'the server has no free connection; raise max_connections or lower DATABASE_POOL_MAX';
  }
  const message = error instanceof Error && error.message !== '' ? error.message : String(code);
  return `${message}; check that PostgreSQL runs there and that DATABASE_URL is right`;
}
