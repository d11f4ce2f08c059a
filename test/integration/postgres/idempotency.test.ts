import { expect } from 'chai';
import {
  type Database,
  fingerprint,
  withIdempotencyKey,
  purgeKeys,
  sql,
} from '../../../pkg/postgres/index.js';
import { balanceOf, deposit, exampleMigrations, openAccount } from '../../support/postgres/example.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';

const setFingerprint = sql(
  'test.idempotency_set_fingerprint',
  'update idempotency_keys set fingerprint = $fingerprint',
);

describe('withIdempotencyKey', () => {
  let database: TestDatabase;
  let db: Database;

  before(async () => {
    database = await createTestDatabase(exampleMigrations);
    db = database.db;
  });
  beforeEach(async () => {
    await db.query(sql('test.reset', 'delete from accounts')());
    await db.query(sql('test.reset_keys', 'delete from idempotency_keys')());
    await openAccount(db, 'a', 0n);
  });
  after(() => database.drop());

  function depositWithKey(
    requestId: string,
    { amount = 10n, scope = 'Deposit' } = {},
  ): Promise<{ response: { balance: string }; replayed: boolean }> {
    const request = { scope, requestId, fingerprint: fingerprint({ amount }) };
    return db.transaction((tx) =>
      withIdempotencyKey(tx, request, async () => {
        await deposit(tx, 'a', amount);
        return { balance: String(await balanceOf(tx, 'a')) };
      }),
    );
  }

  it('runs a request once and returns the stored response to a repeated request', async () => {
    const first = await depositWithKey('r1');
    await depositWithKey('r2');
    expect(first).to.deep.equal({ response: { balance: '10' }, replayed: false });
    expect(await depositWithKey('r1')).to.deep.equal({ response: { balance: '10' }, replayed: true });
    expect(await balanceOf(db, 'a')).to.equal(20n);
  });

  it('runs one of several concurrent requests with the same key', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => depositWithKey('race')));
    expect(results.filter(({ replayed }) => !replayed)).to.have.length(1);
    expect(new Set(results.map(({ response }) => response.balance))).to.deep.equal(new Set(['10']));
    expect(await balanceOf(db, 'a')).to.equal(10n);
  });

  it('runs a concurrent repeated request when the first transaction rolls back', async () => {
    const request = { scope: 'Deposit', requestId: 'r', fingerprint: fingerprint({ amount: 10n }) };
    let repeat: ReturnType<typeof depositWithKey> | undefined;
    const failure = await failureOf(
      db.transaction((tx) =>
        withIdempotencyKey(tx, request, async (): Promise<null> => {
          await deposit(tx, 'a', 1n);
          repeat = depositWithKey('r');
          throw new Error('rollback');
        }),
      ),
    );
    expect(failure.message).to.equal('rollback');
    expect(await repeat).to.deep.equal({ response: { balance: '10' }, replayed: false });
    expect(await balanceOf(db, 'a')).to.equal(10n);
  });

  it('rejects a repeated request that has another fingerprint with REQUEST_ID_REUSED', async () => {
    await depositWithKey('r');
    const error = await expectReason(depositWithKey('r', { amount: 11n }), 'REQUEST_ID_REUSED');
    expect(error.metadata).to.deep.equal({ request_id: 'r' });
    expect(await balanceOf(db, 'a')).to.equal(10n);
  });

  it('returns the stored response when the stored fingerprint has a later version', async () => {
    await depositWithKey('r');
    await db.query(setFingerprint({ fingerprint: Buffer.of(2, 1) }));

    const repeated = await depositWithKey('r', { amount: 11n });

    expect(repeated).to.deep.equal({ response: { balance: '10' }, replayed: true });
  });

  it('runs a request whose key is used in another scope', async () => {
    await depositWithKey('r', { scope: 'customer-1/Deposit' });
    const other = await depositWithKey('r', { scope: 'customer-2/Deposit', amount: 5n });
    expect(other).to.deep.equal({ response: { balance: '15' }, replayed: false });
  });

  it('runs every request that has no key', async () => {
    await depositWithKey('');
    expect(await depositWithKey('')).to.deep.equal({ response: { balance: '20' }, replayed: false });
  });

  it('runs a request again after purgeKeys has deleted its key; purgeKeys deletes the oldest keys first', async () => {
    const age = sql(
      'test.age',
      'update idempotency_keys set created_at = now() - make_interval(hours => $hours) where request_id = $id',
    );
    await Promise.all(['new', 'old', 'older'].map((id) => depositWithKey(id)));
    await db.query(age({ id: 'old', hours: 25 }));
    await db.query(age({ id: 'older', hours: 26 }));
    expect(await purgeKeys(db, 24, 1)).to.equal(1);
    expect((await depositWithKey('old')).replayed).to.equal(true);
    expect(await purgeKeys(db, 24, 100)).to.equal(1);
    expect(await purgeKeys(db, 24, 100)).to.equal(0);
    expect((await depositWithKey('new')).replayed).to.equal(true);
    expect((await depositWithKey('older')).replayed).to.equal(false);
  });
});
