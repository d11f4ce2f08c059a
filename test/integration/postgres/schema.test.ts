import { expect } from 'chai';
import pg from 'pg';
import { openDatabase } from '../../../pkg/postgres/index.js';
import { dumpSchema } from '../../../pkg/postgres/migrations/schema.js';
import { exampleMigrations } from '../../support/postgres/example.js';
import {
  createEmptyDatabase,
  createTestDatabase,
  type TestDatabase,
  testDatabaseConfig,
} from '../../support/postgres/test-database.js';

describe('dumpSchema', () => {
  let database: TestDatabase;
  let dump: string;

  before(async () => {
    database = await createTestDatabase(exampleMigrations);
    dump = await dumpSchema(database.db);
  });
  after(() => database.drop());

  it('writes columns, defaults, constraints, indexes, functions, triggers and views', () => {
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

  it('writes SQL that recreates the same schema', async () => {
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
