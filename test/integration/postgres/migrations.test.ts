import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import {
  assertMigrated,
  createDatabaseIfMissing,
  type Database,
  migrate,
  type MigrationSet,
  openDatabase,
  pendingMigrations,
  sql,
} from '../../../pkg/postgres/index.js';
import { lockTimeoutMs } from '../../../pkg/postgres/migrations/migrate.js';
import { pause } from '../../../pkg/runtime/index.js';
import { failureOf } from '../../support/expect-reason.js';
import {
  createEmptyDatabase,
  type EmptyDatabase,
  testDatabaseConfig,
} from '../../support/postgres/test-database.js';

describe('migrations', () => {
  let database: EmptyDatabase;
  let db: Database;
  let set: MigrationSet;

  beforeEach(async () => {
    database = await createEmptyDatabase();
    db = await openDatabase(testDatabaseConfig(database.url), { warn: () => undefined });
    set = { directory: await mkdtemp(path.join(os.tmpdir(), 'migrations-')) };
    await write('0001_create_things', 'create table things (id int); select pg_sleep(0.2);');
    await write('0002_fill', 'insert into things values (1);');
  });
  afterEach(async () => {
    await db.close();
    await database.drop();
    await rm(set.directory, { recursive: true });
  });

  const write = (name: string, text: string): Promise<void> =>
    writeFile(path.join(set.directory, `${name}.sql`), text);
  const things = (): Promise<unknown[]> => db.query(sql('test.things', 'select id from things')());

  it('are all pending on an empty database, sorted by number', async () => {
    await write('0010_tenth', 'select 1');
    await writeFile(path.join(set.directory, 'README.md'), 'not a migration');
    expect(await pendingMigrations(db, set)).to.deep.equal(['0001_create_things', '0002_fill', '0010_tenth']);
  });

  it('are applied once', async () => {
    await writeFile(path.join(set.directory, 'README.md'), 'not a migration');
    expect(await migrate(database.url, set)).to.deep.equal(['0001_create_things', '0002_fill']);
    expect(await migrate(database.url, set)).to.deep.equal([]);
    expect(await things()).to.deep.equal([{ id: 1 }]);
    expect(await pendingMigrations(db, set)).to.deep.equal([]);
  });

  it('are applied once by concurrent processes', async () => {
    const applied = await Promise.all([1, 2, 3, 4].map(() => migrate(database.url, set)));
    expect(applied.flat()).to.deep.equal(['0001_create_things', '0002_fill']);
    expect(await things()).to.deep.equal([{ id: 1 }]);
  });

  it('continue after the last applied migration', async () => {
    await migrate(database.url, set);
    await write('0003_more', 'insert into things values (2);');
    expect(await pendingMigrations(db, set)).to.deep.equal(['0003_more']);
    expect(await migrate(database.url, set)).to.deep.equal(['0003_more']);
  });

  it('are all rolled back when one migration fails', async () => {
    await write('0003_wrong', 'insert into nowhere values (2);');
    const failure = await failureOf(migrate(database.url, set));
    expect(failure.message).to.contain('nowhere');
    expect(await pendingMigrations(db, set)).to.have.length(3);
  });

  it('are complete when the database has migrations that the code does not have', async () => {
    await migrate(database.url, set);
    await rm(path.join(set.directory, '0002_fill.sql'));
    await assertMigrated(db, set, 'unused');
    expect(await migrate(database.url, set)).to.deep.equal([]);
  });

  it('do not make writers wait for longer than the lock timeout behind a long transaction', async () => {
    await migrate(database.url, set);
    await write('0003_alter', 'alter table things add column note text;');
    let applied: string[] = [];
    let isDone = false;
    let longestMs = 0;
    const insert = sql('test.insert_thing', 'insert into things values (2)');
    const writer = async (): Promise<void> => {
      while (!isDone) {
        const startedAt = performance.now();
        await db.query(insert());
        longestMs = Math.max(longestMs, performance.now() - startedAt);
        await pause(10);
      }
    };
    const migration = db.transaction(async (tx) => {
      await tx.query(insert());
      const migrating = migrate(database.url, set).then((names) => (applied = names));
      await pause(lockTimeoutMs * 4);
      return { migrating };
    });
    const writing = writer();
    const { migrating } = await migration;
    await migrating;
    isDone = true;
    await writing;
    expect(applied).to.deep.equal(['0003_alter']);
    expect(longestMs).to.be.greaterThan(lockTimeoutMs / 2);
    expect(longestMs).to.be.lessThan(lockTimeoutMs * 2.5);
  });

  it('are repeated after a deadlock', async () => {
    await migrate(database.url, set);
    // A sequence keeps its value when the migration is rolled back.
    await db.query(sql('test.create_runs', 'create sequence runs')());
    await write(
      '0003_deadlock',
      `do $$ begin
         if nextval('runs') = 1 then raise exception 'deadlock detected' using errcode = '40P01'; end if;
       end $$;`,
    );
    expect(await migrate(database.url, set)).to.deep.equal(['0003_deadlock']);
    expect(await db.query(sql('test.runs', 'select last_value::int as runs from runs')())).to.deep.equal([
      { runs: 2 },
    ]);
  });

  it('may create an index concurrently, outside of a transaction', async () => {
    await write(
      '0003_index',
      '-- no transaction\ndrop index concurrently if exists things_id;\ncreate index concurrently things_id on things (id);\n',
    );
    await write('0004_more', 'insert into things values (2);');
    expect(await migrate(database.url, set)).to.have.length(4);
    const valid = sql(
      'test.valid_index',
      `select indisvalid as valid from pg_index where indexrelid = 'things_id'::regclass`,
    );
    expect(await db.query(valid())).to.deep.equal([{ valid: true }]);
    expect(await pendingMigrations(db, set)).to.deep.equal([]);
  });

  it('are required by assertMigrated, whose error names the command', async () => {
    const command = 'main.js --migrate';
    const failure = await failureOf(assertMigrated(db, set, command));
    expect(failure.message).to.equal(
      'database is behind: 2 migrations pending (0001_create_things, 0002_fill); run `main.js --migrate`',
    );
    await migrate(database.url, set);
    await assertMigrated(db, set, command);
  });
});

describe('createDatabaseIfMissing', () => {
  it('creates the database once when called concurrently', async () => {
    const database = await createEmptyDatabase();
    await database.drop();
    const results = await Promise.all([1, 2, 3, 4].map(() => createDatabaseIfMissing(database.url)));
    expect(results.filter(Boolean)).to.have.length(1);
    expect(await createDatabaseIfMissing(database.url)).to.equal(false);
    await database.drop();
  });
});
