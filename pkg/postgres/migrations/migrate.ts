import { readdir } from 'node:fs/promises';
import { PG_MIGRATE_LOCK_ID, runner } from 'node-pg-migrate';
import { backoffMs, pause } from '../../runtime/index.js';
import { databaseName, withDatabase } from '../connection/connection-url.js';
import type { Queryable } from '../database.js';
import { errorCode, isUniqueViolation } from '../errors.js';
import { migrationLoaderStrategies } from './migration-loader.js';
import { Session } from '../connection/session.js';
import { runStatement, sql } from '../statement.js';

/** Forward-only migrations of one database, in files such as `0001_create_orders.sql`. */
export interface MigrationSet {
  /** Absolute path. */
  readonly directory: string;
}

/** Name of the table that lists applied migrations. */
export const migrationsTable = 'pgmigrations';

const lockPollMs = 100;

/**
 * Longest wait of a migration for the lock of a table. Later statements of the table, also the writes of the services,
 * queue behind this wait.
 */
export const lockTimeoutMs = 1000;
/** SQLSTATEs of a statement that exceeds `lock_timeout`, and of the victim of a deadlock with the services. */
const lockFailures = new Set<unknown>(['55P03', '40P01']);
/**
 * Maximum attempts of a run whose locks are not available. The queued statements of the services are executed in the
 * pauses between the attempts.
 */
const maxAttempts = 40;
const lockBackoff = { baseMs: 500, capMs: 4000 };

const findTable = sql(
  'migrations.find_table',
  `select to_regclass('public.${migrationsTable}') is not null as present`,
);
const listApplied = sql('migrations.list_applied', `select name from public.${migrationsTable} order by id`);
const findDatabase = sql('migrations.find_database', 'select datname from pg_database where datname = $name');
const tryLock = sql('migrations.try_lock', 'select pg_try_advisory_lock($key::bigint) as locked');

/**
 * Applies all pending migrations in one transaction and returns their names. Concurrent processes wait for a
 * lock and then find no pending migrations. A run that waits too long for the lock of a table, or is the victim of a
 * deadlock, is rolled back and repeated. A migration with the first line `-- no transaction` runs between two transactions.
 *
 * @throws Error of PostgreSQL when a migration fails; all migrations since the last one without a transaction are then
 *   rolled back
 */
export async function migrate(
  databaseUrl: string,
  set: MigrationSet,
  log: (message: string) => void = () => undefined,
): Promise<string[]> {
  return withClient(databaseUrl, async (client) => {
    await lock(client, log);
    const before = await appliedNames(client);
    await retryLocked(() => applyPending(client, set, log), log);
    return (await appliedNames(client)).filter((name) => !before.includes(name));
  });
}

async function applyPending(
  client: Session,
  set: MigrationSet,
  log: (message: string) => void,
): Promise<void> {
  await runner({
    dbClient: client,
    dir: set.directory,
    ignorePattern: String.raw`\..*|.*(?<!\.sql)`,
    migrationLoaderStrategies,
    migrationsTable,
    direction: 'up',
    singleTransaction: true,
    // `lock` has already acquired the lock. The runner would wait for the lock inside a statement, whose snapshot
    // would delay vacuum.
    noLock: true,
    log,
  });
}

/** Repeats `attempt` while a lock is not available. */
async function retryLocked(attempt: () => Promise<void>, log: (message: string) => void): Promise<void> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (!lockFailures.has(errorCode(error)) || attempts === maxAttempts) throw error;
      log('a lock is not available: the migrations are repeated');
    }
    await pause(backoffMs(attempts, lockBackoff));
  }
}

/** Returns the names of all applied migrations in the sequence in which they were applied. */
async function appliedNames(client: Session): Promise<string[]> {
  const [table] = await runStatement<{ present: boolean }>(client, findTable());
  if (table?.present !== true) return [];
  return (await runStatement<{ name: string }>(client, listApplied())).map(({ name }) => name);
}

/** Returns the names of pending migrations in the sequence in which they are applied. */
export async function pendingMigrations(db: Queryable, set: MigrationSet): Promise<string[]> {
  const [names, [table]] = await Promise.all([
    migrationNames(set),
    db.query<{ present: boolean }>(findTable()),
  ]);
  if (table?.present !== true) return names;
  const applied = new Set((await db.query<{ name: string }>(listApplied())).map(({ name }) => name));
  return names.filter((name) => !applied.has(name));
}

/** @throws Error with `command` as the remedy when migrations are pending */
export async function assertMigrated(db: Queryable, set: MigrationSet, command: string): Promise<void> {
  const pending = await pendingMigrations(db, set);
  if (pending.length === 0) return;
  const count = pending.length === 1 ? '1 migration' : `${pending.length} migrations`;
  throw new Error(`database is behind: ${count} pending (${pending.join(', ')}); run \`${command}\``);
}

/**
 * Creates the database that `url` names, if it is missing. Connects to the `postgres` database of the same server.
 *
 * @returns true if the database was missing
 */
export async function createDatabaseIfMissing(url: string): Promise<boolean> {
  const name = databaseName(url);
  return withClient(withDatabase(url, 'postgres'), async (client) => {
    const found = await runStatement(client, findDatabase({ name }));
    if (found.length > 0) return false;
    try {
      await client.query(`create database ${client.escapeIdentifier(name)}`);
      return true;
    } catch (error) {
      // 42P04, or a violated unique index of the catalog: another process created the database first.
      if (errorCode(error) === '42P04' || isUniqueViolation(error)) return false;
      throw error;
    }
  });
}

async function migrationNames(set: MigrationSet): Promise<string[]> {
  const files = await readdir(set.directory);
  return files
    .filter((file) => file.endsWith('.sql') && !file.startsWith('.'))
    .map((file) => file.slice(0, -'.sql'.length))
    .toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));
}

async function lock(client: Session, log: (message: string) => void): Promise<void> {
  for (let polls = 0; ; polls += 1) {
    const [row] = await runStatement<{ locked: boolean }>(client, tryLock({ key: PG_MIGRATE_LOCK_ID }));
    if (row?.locked === true) return;
    if (polls === 0) log('another process is migrating this database: waiting for it');
    await pause(lockPollMs);
  }
}

/** Runs `work` on a new connection. The end of this connection also releases the advisory locks of `work`. */
async function withClient<T>(url: string, work: (client: Session) => Promise<T>): Promise<T> {
  const client = new Session({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    lock_timeout: lockTimeoutMs,
  });
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}
