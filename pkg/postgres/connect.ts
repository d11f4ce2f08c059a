import pg from 'pg';
import { AppError } from '../errors/app-error.js';
import { backoffMs, pause } from '../runtime/wait.js';
import { clientConfig } from './client-config.js';
import type { DatabaseConfig, DatabaseLogger } from './database.js';
import { errorCode, isConnectionLoss } from './errors.js';
import { describeUrl } from './location.js';

/**
 * Connects once, trying for `connectTimeoutMs` while the server does not answer.
 *
 * @throws AppError DEPENDENCY_UNAVAILABLE with what to do about it
 */
export async function connectWithRetries(config: DatabaseConfig, logger: DatabaseLogger): Promise<void> {
  const deadline = Date.now() + config.connectTimeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    const left = Math.max(deadline - Date.now(), 1);
    try {
      await probe({ ...config, connectTimeoutMs: left });
      return;
    } catch (error) {
      const wait = backoffMs(attempt, { baseMs: 100, capMs: 1_000 });
      if (!mayPass(error) || Date.now() + wait >= deadline) throw refusal(config, error);
      logger.warn({ attempt, err: error }, 'database not reachable yet');
      await pause(wait);
    }
  }
}

async function probe(config: DatabaseConfig): Promise<void> {
  const client = await open(config, config.connectTimeoutMs);
  // Not awaited: a server that hangs would keep us past the timeout.
  client.end().catch(() => undefined);
}

/** A connection that has answered `select 1`. */
export async function open(config: DatabaseConfig, timeoutMs: number): Promise<pg.Client> {
  const client = new pg.Client({
    ...clientConfig({ ...config, connectTimeoutMs: timeoutMs }),
    query_timeout: timeoutMs,
  });
  // The driver also reports a loss as an event, which without a listener ends the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return client;
  } catch (error) {
    client.end().catch(() => undefined);
    throw error;
  }
}

function mayPass(error: unknown): boolean {
  return isConnectionLoss(error) || errorCode(error) === '53300';
}

function refusal(config: DatabaseConfig, cause: unknown): AppError {
  return new AppError({
    reason: 'DEPENDENCY_UNAVAILABLE',
    message: `cannot use the database at ${describeUrl(config.url)}: ${advice(cause)}`,
    cause,
  });
}

function advice(error: unknown): string {
  const code = errorCode(error);
  if (code === '3D000') return 'it does not exist; create it, or check the name in DATABASE_URL';
  if (code?.startsWith('28') === true) {
    return 'the server refuses the user; check the user and password in DATABASE_URL';
  }
  if (code === '53300') {
    return 'the server has no connection left; raise max_connections or lower the pools';
  }
  const said = error instanceof Error && error.message !== '' ? error.message : String(code);
  return `${said}; check that PostgreSQL runs there and that DATABASE_URL is right`;
}
