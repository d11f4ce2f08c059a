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
} from '../../pkg/postgres/index.js';
import { failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import {
  createEmptyDatabase,
  type EmptyDatabase,
  testDatabaseConfig,
} from '../../pkg/postgres/testing/test-database.js';

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
  const things = (): Promise<unknown[]> => db.query(sql('test.things', 'select id from things'));

  it('are pending on an empty database, in the order of their numbers', async () => {
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

  it('are applied once by processes that start together', async () => {
    const applied = await Promise.all([1, 2, 3, 4].map(() => migrate(database.url, set)));
    expect(applied.flat()).to.deep.equal(['0001_create_things', '0002_fill']);
    expect(await things()).to.deep.equal([{ id: 1 }]);
  });

  it('continue where the last run ended', async () => {
    await migrate(database.url, set);
    await write('0003_more', 'insert into things values (2);');
    expect(await pendingMigrations(db, set)).to.deep.equal(['0003_more']);
    expect(await migrate(database.url, set)).to.deep.equal(['0003_more']);
  });

  it('leave nothing behind when one of them fails', async () => {
    await write('0003_wrong', 'insert into nowhere values (2);');
    const failure = await failureOf(migrate(database.url, set));
    expect(failure.message).to.contain('nowhere');
    expect(await pendingMigrations(db, set)).to.have.length(3);
  });

  it('may be ahead of an older release of the code', async () => {
    await migrate(database.url, set);
    await rm(path.join(set.directory, '0002_fill.sql'));
    await assertMigrated(db, set, 'unused');
    expect(await migrate(database.url, set)).to.deep.equal([]);
  });

  it('are asked for by the command that applies them', async () => {
    const command = 'main.js --migrate';
    const failure = await failureOf(assertMigrated(db, set, command));
    expect(failure.message).to.equal(
      'database is behind: 2 migrations pending (0001_create_things, 0002_fill); run `main.js --migrate`',
    );
    await migrate(database.url, set);
    await assertMigrated(db, set, command);
  });
});

describe('creating a database', () => {
  it('makes it once, also for processes that start together', async () => {
    const database = await createEmptyDatabase();
    await database.drop();
    const made = await Promise.all([1, 2, 3, 4].map(() => createDatabaseIfMissing(database.url)));
    expect(made.filter(Boolean)).to.have.length(1);
    expect(await createDatabaseIfMissing(database.url)).to.equal(false);
    await database.drop();
  });
});
