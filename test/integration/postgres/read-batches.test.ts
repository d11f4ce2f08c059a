import { expect } from 'chai';
import { readBatcher, sql } from '../../../pkg/postgres/index.js';
import { deposit, exampleMigrations, openAccount } from '../../support/postgres/example.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';
import { waitFor } from '../../support/wait-for.js';

describe('readBatcher', () => {
  const readAll = sql(
    'batches.read',
    'select id, balance, pg_sleep($seconds::float8) from accounts where id = any ($ids::text[])',
  );
  let database: TestDatabase;

  before(async () => {
    database = await createTestDatabase(exampleMigrations);
    for (const id of ['a', 'b']) await openAccount(database.db, id);
  });
  after(() => database.drop());

  function accountReader({ seconds = 0 } = {}) {
    const statements: (readonly string[])[] = [];
    const reader = readBatcher<bigint>({
      operation: 'test.read',
      concurrency: 2,
      batching: { maxItems: 64 },
      read: async (ids, limits) => {
        statements.push(ids);
        const statement = readAll({ ids, seconds });
        const rows = await database.db.within(limits).query<{ id: string; balance: bigint }>(statement);
        return new Map(rows.map(({ id, balance }) => [id, balance]));
      },
    });
    return { reader, statements };
  }

  it('reads each key once, by one statement for all reads of a turn', async () => {
    const { reader, statements } = accountReader();
    const reads = ['b', 'a', 'missing', 'a'].map((id) => reader.run(id));
    expect(await Promise.all(reads)).to.deep.equal([0n, 0n, undefined, 0n]);
    expect(statements).to.deep.equal([['a', 'b', 'missing']]);
  });

  it('never joins a statement that has been sent, so a read sees the changes before it', async () => {
    const { reader, statements } = accountReader({ seconds: 0.2 });
    const before = reader.run('a');
    await waitFor(() => statements.length === 1, 'first statement');
    await deposit(database.db, 'a', 5n);
    expect(await reader.run('a')).to.equal(5n);
    await before;
    expect(statements).to.deep.equal([['a'], ['a']]);
  });
});
