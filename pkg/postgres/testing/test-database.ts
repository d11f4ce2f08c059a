import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import { pause } from '../../runtime/wait.js';
import type { Database } from '../database.js';
import { openDatabase } from '../open-database.js';
import { errorCode } from '../errors.js';
import { migrate, type MigrationSet } from '../migrate.js';
import { asAdmin, testCluster } from './test-cluster.js';
import { testRun } from './test-run.js';

export interface EmptyDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

export interface TestDatabase extends EmptyDatabase {
  /** Open, with at most 20 connections; `drop` closes it. */
  readonly db: Database;
}

/** SQLSTATE of a database that other sessions are connected to. */
const inUse = '55006';

const silent = { warn: () => undefined };

/** A database of its own at the schema of `set`, cloned from a template that is migrated once. */
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

/** A database of its own with nothing in it. */
export function createEmptyDatabase(): Promise<EmptyDatabase> {
  return create('template1');
}

/** Settings that suit tests on a slow, shared machine. */
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

/** A connection that is still open is a leak of the test: its owner was not closed, or is closed too late. */
async function dropUnused(client: pg.Client, name: string): Promise<void> {
  try {
    // The server itself waits some seconds for sessions that are about to end.
    await client.query(`drop database if exists ${name}`);
  } catch (error) {
    if (errorCode(error) !== inUse) throw error;
    const { rows } = await client.query<{ session: string }>(
      `select application_name || ': ' || left(query, 100) as session from pg_stat_activity where datname = $1`,
      [name],
    );
    await client.query(`drop database if exists ${name} with (force)`);
    const sessions = rows.map(({ session }) => session).join('\n  ');
    throw new Error(`connections to ${name} are still open:\n  ${sessions}`, { cause: error });
  }
}

async function clone(client: pg.Client, name: string, template: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query(`create database ${name} template ${template}`);
      return;
    } catch (error) {
      // The session that migrated the template has said goodbye but not ended yet.
      if (errorCode(error) !== inUse || attempt === 100) throw error;
    }
    await pause(50);
  }
}

/** Templates are named by what they hold, so later runs, and runs beside this one, share them. */
async function prepareTemplate(set: MigrationSet): Promise<string> {
  const name = `template_${await digest(set)}`;
  const url = (await testCluster()).url(name);
  return asAdmin(async (client) => {
    await client.query('select pg_advisory_lock(hashtext($1))', [name]);
    const found = await client.query<{ finished: boolean }>(
      'select datistemplate as finished from pg_database where datname = $1',
      [name],
    );
    if (found.rows[0]?.finished === true) return name;
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
