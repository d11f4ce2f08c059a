import { expect } from 'chai';
import { type Database, isUniqueViolation, sql, type Transaction } from '../../pkg/postgres/index.js';
import {
  backendPid,
  balanceOf,
  deposit,
  exampleMigrations,
  openAccount,
  terminateBackend,
} from '../../pkg/postgres/testing/example.js';
import { expectReason, failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import { createTestDatabase, type TestDatabase } from '../../pkg/postgres/testing/test-database.js';

describe('a transaction', () => {
  let database: TestDatabase;
  let db: Database;

  before(async () => {
    database = await createTestDatabase(exampleMigrations);
    db = database.db;
    await openAccount(db, 'a', 100n);
    await openAccount(db, 'b', 100n);
  });
  after(() => database.drop());

  it('is visible to others only when it has committed', async () => {
    await db.transaction(async (tx) => {
      await openAccount(tx, 'commit', 5n);
      expect(await balanceOf(db, 'commit')).to.equal(undefined);
    });
    expect(await balanceOf(db, 'commit')).to.equal(5n);
  });

  it('leaves nothing behind when its work throws', async () => {
    const failure = await failureOf(
      db.transaction(async (tx) => {
        await openAccount(tx, 'rollback');
        throw new Error('changed my mind');
      }),
    );
    expect(failure.message).to.equal('changed my mind');
    expect(await balanceOf(db, 'rollback')).to.equal(undefined);
  });

  it('does not pretend to commit when a statement failed and the error was swallowed', async () => {
    const failure = await failureOf(
      db.transaction(async (tx) => {
        await openAccount(tx, 'swallowed');
        await openAccount(tx, 'a').catch(() => undefined);
      }),
    );
    expect(isUniqueViolation(failure, 'accounts_pkey')).to.equal(true);
    expect(await balanceOf(db, 'swallowed')).to.equal(undefined);
  });

  it('cannot be used after its end', async () => {
    const escaped = await db.transaction((tx) => Promise.resolve({ tx }));
    const failure = await failureOf(balanceOf(escaped.tx, 'a'));
    expect(failure.message).to.contain('has ended');
  });

  it('is run again when PostgreSQL ends it to resolve a deadlock', async () => {
    let runs = 0;
    const bothHoldOne = barrier(2);
    const transfer = (from: string, to: string): Promise<void> =>
      db.transaction(async (tx) => {
        runs += 1;
        await deposit(tx, from, -10n);
        await bothHoldOne();
        await deposit(tx, to, 10n);
      });
    await Promise.all([transfer('a', 'b'), transfer('b', 'a')]);
    expect(runs).to.be.greaterThan(2);
    expect([await balanceOf(db, 'a'), await balanceOf(db, 'b')]).to.deep.equal([100n, 100n]);
  });

  it('is run again after a serialization failure', async () => {
    let runs = 0;
    await openAccount(db, 'serial', 0n);
    const bothHaveRead = barrier(2);
    const increment = async (tx: Transaction): Promise<void> => {
      runs += 1;
      await tx.query(sql('test.repeatable', 'set transaction isolation level repeatable read'));
      await balanceOf(tx, 'serial');
      await bothHaveRead();
      await deposit(tx, 'serial', 1n);
    };
    await Promise.all([db.transaction(increment), db.transaction(increment)]);
    expect(runs).to.equal(3);
    expect(await balanceOf(db, 'serial')).to.equal(2n);
  });

  it('gives up as CONFLICT after three retries', async () => {
    let runs = 0;
    const call = db.transaction(async (tx) => {
      runs += 1;
      await tx.query(sql('test.conflict', `do $$ begin raise exception 'x' using errcode = '40001'; end $$`));
    });
    await expectReason(call, 'CONFLICT');
    expect(runs).to.equal(4);
  });

  it('is not run again when the connection is lost', async () => {
    let runs = 0;
    const call = db.transaction(async (tx) => {
      runs += 1;
      await openAccount(tx, 'lost');
      await terminateBackend(db, await backendPid(tx));
      await openAccount(tx, 'lost too');
    });
    await expectReason(call, 'DEPENDENCY_UNAVAILABLE');
    expect(runs).to.equal(1);
    expect(await balanceOf(db, 'lost')).to.equal(undefined);
  });

  it('keeps its connection when a statement breaks a rule', async () => {
    const pids = new Set<number>();
    for (let i = 0; i < 3; i += 1) {
      const failure = await failureOf(
        db.transaction(async (tx) => {
          pids.add(await backendPid(tx));
          await openAccount(tx, 'a');
        }),
      );
      expect(isUniqueViolation(failure)).to.equal(true);
    }
    expect(pids.size).to.equal(1);
  });
});

/** Lets nobody pass until `parties` have come, and everybody from then on. */
function barrier(parties: number): () => Promise<void> {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let come = 0;
  return () => {
    come += 1;
    if (come === parties) open();
    return opened;
  };
}
