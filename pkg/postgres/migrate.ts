import { readdir } from 'node:fs/promises';
import { PG_MIGRATE_LOCK_ID, runner } from 'node-pg-migrate';
import pg from 'pg';
import { pause } from '../runtime/wait.js';
import { type Queryable, sql } from './database.js';
import { errorCode, isUniqueViolation } from './errors.js';
import { databaseName, withDatabase } from './location.js';

/** Where a domain keeps its migrations: forward-only files such as `0001_create_orders.sql`. */
export interface MigrationSet {
  /** Absolute path, such as that of `pkg/order/migrations`. */
  readonly directory: string;
}

/** Table that lists what was applied. */
export const migrationsTable = 'pgmigrations';

const lockPollMs = 100;

const findTable = sql(
  'migrations.find_table',
  `select to_regclass('public.${migrationsTable}') is not null as present`,
);
const listApplied = sql('migrations.list_applied', `select name from public.${migrationsTable}`);

/**
 * Applies what is pending, all in one transaction, and returns the names. Safe to run in several
 * processes at once: the others wait, then find nothing to do.
 *
 * @throws Error of PostgreSQL when a migration fails; none of this run is applied then
 */
export async function migrate(
  databaseUrl: string,
  set: MigrationSet,
  log: (message: string) => void = () => undefined,
): Promise<string[]> {
  return withClient(databaseUrl, async (client) => {
    await lock(client, log);
    const applied = await runner({
      dbClient: client,
      dir: set.directory,
      ignorePattern: String.raw`\..*|.*(?<!\.sql)`,
      migrationsTable,
      direction: 'up',
      singleTransaction: true,
      // Taken above: the runner would wait inside a statement, holding a snapshot all the while.
      noLock: true,
      log,
    });
    return applied.map(({ name }) => name);
  });
}

/** Names of the migrations not applied yet, in order; all of them on an empty database. */
export async function pendingMigrations(db: Queryable, set: MigrationSet): Promise<string[]> {
  const [names, [table]] = await Promise.all([
    migrationNames(set),
    db.query<{ present: boolean }>(findTable),
  ]);
  if (table?.present !== true) return names;
  const applied = new Set((await db.query<{ name: string }>(listApplied)).map(({ name }) => name));
  return names.filter((name) => !applied.has(name));
}

/** @throws Error that names `command` when a migration is pending */
export async function assertMigrated(db: Queryable, set: MigrationSet, command: string): Promise<void> {
  const pending = await pendingMigrations(db, set);
  if (pending.length === 0) return;
  const count = pending.length === 1 ? '1 migration' : `${pending.length} migrations`;
  throw new Error(`database is behind: ${count} pending (${pending.join(', ')}); run \`${command}\``);
}

/**
 * Creates the database a URL names, from the `postgres` database of the same server.
 *
 * @returns whether it was missing
 */
export async function createDatabaseIfMissing(url: string): Promise<boolean> {
  const name = databaseName(url);
  return withClient(withDatabase(url, 'postgres'), async (client) => {
    const found = await client.query('select from pg_database where datname = $1', [name]);
    if (found.rowCount !== 0) return false;
    try {
      await client.query(`create database ${client.escapeIdentifier(name)}`);
      return true;
    } catch (error) {
      // 42P04, or the unique index of the catalogue: another process was faster.
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

async function lock(client: pg.Client, log: (message: string) => void): Promise<void> {
  for (let polls = 0; ; polls += 1) {
    const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [
      PG_MIGRATE_LOCK_ID,
    ]);
    if (rows[0]?.locked === true) return;
    if (polls === 0) log('another process is migrating this database: waiting for it');
    await pause(lockPollMs);
  }
}

/** Ending the session also gives back its advisory locks. */
async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}
