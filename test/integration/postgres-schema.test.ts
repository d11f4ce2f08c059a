import { expect } from 'chai';
import pg from 'pg';
import { openDatabase } from '../../pkg/postgres/index.js';
import { dumpSchema } from '../../pkg/postgres/schema.js';
import { exampleMigrations } from '../../pkg/postgres/testing/example.js';
import {
  createEmptyDatabase,
  createTestDatabase,
  type TestDatabase,
  testDatabaseConfig,
} from '../../pkg/postgres/testing/test-database.js';

describe('a schema dump', () => {
  let database: TestDatabase;
  let dump: string;

  before(async () => {
    database = await createTestDatabase(exampleMigrations);
    dump = await dumpSchema(database.db);
  });
  after(() => database.drop());

  it('names columns, defaults, constraints, indexes, functions, triggers and views', () => {
    for (const part of [
      `create type account_kind as enum (\n  'asset',\n  'liability'\n);`,
      `kind account_kind default 'asset'::account_kind not null`,
      'doubled bigint generated always as ((balance * 2)) stored',
      'note character varying(40)',
      ') with (fillfactor=90);',
      'entry_id bigint generated always as identity not null',
      'add constraint accounts_balance_check CHECK ((balance >= 0));',
      'FOREIGN KEY (account_id) REFERENCES accounts(id);',
      'CREATE UNIQUE INDEX accounts_note ON public.accounts',
      'CREATE OR REPLACE FUNCTION public.refuse_change()',
      'CREATE TRIGGER entries_are_kept',
      'create view account_totals as',
    ]) {
      expect(dump).to.contain(part);
    }
    expect(dump).not.to.contain('pgmigrations');
  });

  it('makes the same schema again', async () => {
    const empty = await createEmptyDatabase();
    const client = new pg.Client({ connectionString: empty.url });
    await client.connect();
    await client.query(dump);
    await client.end();
    const db = await openDatabase(testDatabaseConfig(empty.url), { warn: () => undefined });
    expect(await dumpSchema(db)).to.equal(dump);
    await db.close();
    await empty.drop();
  });
});
