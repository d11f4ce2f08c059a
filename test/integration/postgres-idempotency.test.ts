import { expect } from 'chai';
import { type Database, fingerprint, once, purgeKeys, sql } from '../../pkg/postgres/index.js';
import { balanceOf, deposit, exampleMigrations, openAccount } from '../../pkg/postgres/testing/example.js';
import { expectReason, failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import { createTestDatabase, type TestDatabase } from '../../pkg/postgres/testing/test-database.js';

describe('a keyed request', () => {
  let database: TestDatabase;
  let db: Database;

  before(async () => {
    database = await createTestDatabase(exampleMigrations);
    db = database.db;
  });
  beforeEach(async () => {
    await db.query(sql('test.reset', 'delete from accounts'));
    await db.query(sql('test.reset_keys', 'delete from idempotency_keys'));
    await openAccount(db, 'a', 0n);
  });
  after(() => database.drop());

  function depositOnce(
    requestId: string,
    { amount = 10n, scope = 'Deposit' } = {},
  ): Promise<{ response: { balance: string }; replayed: boolean }> {
    const request = { scope, requestId, fingerprint: fingerprint({ amount }) };
    return db.transaction((tx) =>
      once(tx, request, async () => {
        await deposit(tx, 'a', amount);
        return { balance: String(await balanceOf(tx, 'a')) };
      }),
    );
  }

  it('is worked on once, and repeats get the first response', async () => {
    const first = await depositOnce('r1');
    await depositOnce('r2');
    expect(first).to.deep.equal({ response: { balance: '10' }, replayed: false });
    expect(await depositOnce('r1')).to.deep.equal({ response: { balance: '10' }, replayed: true });
    expect(await balanceOf(db, 'a')).to.equal(20n);
  });

  it('is worked on once when its repeats race over many connections', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => depositOnce('race')));
    expect(answers.filter(({ replayed }) => !replayed)).to.have.length(1);
    expect(new Set(answers.map(({ response }) => response.balance))).to.deep.equal(new Set(['10']));
    expect(await balanceOf(db, 'a')).to.equal(10n);
  });

  it('is worked on by the repeat when the first rolls back', async () => {
    const request = { scope: 'Deposit', requestId: 'r', fingerprint: fingerprint({ amount: 10n }) };
    let repeat: ReturnType<typeof depositOnce> | undefined;
    const failure = await failureOf(
      db.transaction((tx) =>
        once(tx, request, async (): Promise<null> => {
          await deposit(tx, 'a', 1n);
          repeat = depositOnce('r');
          throw new Error('out of luck');
        }),
      ),
    );
    expect(failure.message).to.equal('out of luck');
    expect(await repeat).to.deep.equal({ response: { balance: '10' }, replayed: false });
    expect(await balanceOf(db, 'a')).to.equal(10n);
  });

  it('is refused as REQUEST_ID_REUSED when it asks for something else', async () => {
    await depositOnce('r');
    const error = await expectReason(depositOnce('r', { amount: 11n }), 'REQUEST_ID_REUSED');
    expect(error.metadata).to.deep.equal({ request_id: 'r' });
    expect(await balanceOf(db, 'a')).to.equal(10n);
  });

  it('does not meet the same key of another scope', async () => {
    await depositOnce('r', { scope: 'customer-1/Deposit' });
    const other = await depositOnce('r', { scope: 'customer-2/Deposit', amount: 5n });
    expect(other).to.deep.equal({ response: { balance: '15' }, replayed: false });
  });

  it('is worked on every time when it has no key', async () => {
    await depositOnce('');
    expect(await depositOnce('')).to.deep.equal({ response: { balance: '20' }, replayed: false });
  });

  it('is forgotten when it is old, oldest first and no more than asked for', async () => {
    const age = sql(
      'test.age',
      'update idempotency_keys set created_at = now() - make_interval(hours => $2) where request_id = $1',
    );
    await Promise.all(['new', 'old', 'older'].map((id) => depositOnce(id)));
    await db.query(age, ['old', 25]);
    await db.query(age, ['older', 26]);
    expect(await purgeKeys(db, 24, 1)).to.equal(1);
    expect((await depositOnce('old')).replayed).to.equal(true);
    expect(await purgeKeys(db, 24, 100)).to.equal(1);
    expect(await purgeKeys(db, 24, 100)).to.equal(0);
    expect((await depositOnce('new')).replayed).to.equal(true);
    expect((await depositOnce('older')).replayed).to.equal(false);
  });
});
