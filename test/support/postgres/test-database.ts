import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import { pause } from '../../../pkg/runtime/wait.js';
import type { Database } from '../../../pkg/postgres/database.js';
import { errorCode } from '../../../pkg/postgres/errors.js';
import { migrate, type MigrationSet } from '../../../pkg/postgres/migrations/migrate.js';
import { openDatabase } from '../../../pkg/postgres/connection/pooled-database.js';
import { runStatement, sql } from '../../../pkg/postgres/statement.js';
import { asAdmin, testCluster } from './test-cluster.js';
import { testRun } from './test-run.js';

export interface EmptyDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

export interface TestDatabase extends EmptyDatabase {
  /** Pool of at most 20 connections. `drop` closes the pool. */
  readonly db: Database;
}

/** SQLSTATE `object_in_use`: other sessions are connected to the database. */
const inUse = '55006';

const listSessions = sql(
  'test.list_sessions',
  `select application_name || ': ' || left(query, 100) as session from pg_stat_activity where datname = $name`,
);
const lockName = sql('test.lock_name', 'select pg_advisory_lock(hashtext($name))');
const findTemplate = sql(
  'test.find_template',
  'select datistemplate as finished from pg_database where datname = $name',
);

const silent = { warn: () => undefined };

/** Creates a database with the schema of `set`. The database is a clone of a template that is migrated once. */
export async function createTestDatabase(set: MigrationSet): Promise<TestDatabase> {
  const template = testRun.templates.get(set.directory) ?? prepareTemplate(set);
  testRun.templates.set(set.directory, template);
  const empty = await create(await template);
  const db = await openDatabase(testDatabaseConfig(empty.url), silent);
  return {
    url: empty.url,
    db,
    drop: async () => {
      await db.close();
      await empty.drop();
    },
  };
}

/** Creates a database without tables. */
export function createEmptyDatabase(): Promise<EmptyDatabase> {
  return create('template1');
}

/** Returns a configuration with long timeouts, because test machines may be slow. */
export function testDatabaseConfig(url: string): Parameters<typeof openDatabase>[0] {
  return { url, poolMax: 20, connectTimeoutMs: 20_000, statementTimeoutMs: 30_000 };
}

async function create(template: string): Promise<EmptyDatabase> {
  testRun.created += 1;
  const name = `test_${process.pid}_${testRun.created}`;
  await asAdmin((client) => clone(client, name, template));
  testRun.open.add(name);
  return {
    url: (await testCluster()).url(name),
    drop: async () => {
      testRun.open.delete(name);
      await asAdmin((client) => dropUnused(client, name));
    },
  };
}

/** Drops a database, and fails if a test has left connections to the database open. */
async function dropUnused(client: pg.Client, name: string): Promise<void> {
  try {
    // The server waits some seconds for sessions that are about to end.
    await client.query(`drop database if exists ${name}`);
  } catch (error) {
    if (errorCode(error) !== inUse) throw error;
    const open = await runStatement<{ session: string }>(client, listSessions({ name }));
    await client.query(`drop database if exists ${name} with (force)`);
    const sessions = open.map(({ session }) => session).join('\n  ');
    throw new Error(`connections to ${name} are still open:\n  ${sessions}`, { cause: error });
  }
}

async function clone(client: pg.Client, name: string, template: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query(`create database ${name} template ${template}`);
      return;
    } catch (error) {
      // The session that migrated the template may still be open.
      if (errorCode(error) !== inUse || attempt === 100) throw error;
    }
    await pause(50);
  }
}

/**
 * Creates the template database of `set` unless it exists, and returns its name. The name contains a digest of the
 * migrations, so that test runs share templates.
 */
async function prepareTemplate(set: MigrationSet): Promise<string> {
  const name = `template_${await digest(set)}`;
  const url = (await testCluster()).url(name);
  return asAdmin(async (client) => {
    await runStatement(client, lockName({ name }));
    const [found] = await runStatement<{ finished: boolean }>(client, findTemplate({ name }));
    if (found?.finished === true) return name;
    await client.query(`drop database if exists ${name} with (force)`);
    await client.query(`create database ${name}`);
    await migrate(url, set);
    await client.query(`alter database ${name} is_template true`);
    return name;
  });
}

async function digest(set: MigrationSet): Promise<string> {
  const hash = createHash('sha256');
  for (const file of (await readdir(set.directory)).toSorted()) {
    hash.update(`${file}\0`).update(await readFile(path.join(set.directory, file)));
  }
  return hash.digest('hex').slice(0, 16);
}
