import { expect } from 'chai';
import { type Database, isUniqueViolation, sql, type Transaction } from '../../../pkg/postgres/index.js';
import {
  backendPid,
  balanceOf,
  deposit,
  exampleMigrations,
  openAccount,
  terminateBackend,
} from '../../support/postgres/example.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/test-database.js';

/** A statement that fails with a serialization failure. `sql` would reject this text, because `$$` is not a parameter. */
const conflict = {
  name: 'test.conflict',
  text: `do $$ begin raise exception 'x' using errcode = '40001'; end $$`,
  values: [],
};

describe('Database.transaction', () => {
  let database: TestDatabase;
  let db: Database;

  before(async () => {
    database = await createTestDatabase(exampleMigrations);
    db = database.db;
    await openAccount(db, 'a', 100n);
    await openAccount(db, 'b', 100n);
  });
  after(() => database.drop());

  it('makes changes visible to other sessions at the commit', async () => {
    await db.transaction(async (tx) => {
      await openAccount(tx, 'commit', 5n);
      expect(await balanceOf(db, 'commit')).to.equal(undefined);
    });
    expect(await balanceOf(db, 'commit')).to.equal(5n);
  });

  it('rolls back when its work throws', async () => {
    const failure = await failureOf(
      db.transaction(async (tx) => {
        await openAccount(tx, 'rollback');
        throw new Error('rollback');
      }),
    );
    expect(failure.message).to.equal('rollback');
    expect(await balanceOf(db, 'rollback')).to.equal(undefined);
  });

  it('fails when a statement fails, even if the work catches the error', async () => {
    const failure = await failureOf(
      db.transaction(async (tx) => {
        await openAccount(tx, 'swallowed');
        await openAccount(tx, 'a').catch(() => undefined);
      }),
    );
    expect(isUniqueViolation(failure, 'accounts_pkey')).to.equal(true);
    expect(await balanceOf(db, 'swallowed')).to.equal(undefined);
  });

  it('rejects statements after its end', async () => {
    const escaped = await db.transaction((tx) => Promise.resolve({ tx }));
    const failure = await failureOf(balanceOf(escaped.tx, 'a'));
    expect(failure.message).to.contain('has ended');
  });

  it('retries after a deadlock', async () => {
    let runs = 0;
    const bothHoldLock = barrier(2);
    const transfer = (from: string, to: string): Promise<void> =>
      db.transaction(async (tx) => {
        runs += 1;
        await deposit(tx, from, -10n);
        await bothHoldLock();
        await deposit(tx, to, 10n);
      });
    await Promise.all([transfer('a', 'b'), transfer('b', 'a')]);
    expect(runs).to.be.greaterThan(2);
    expect([await balanceOf(db, 'a'), await balanceOf(db, 'b')]).to.deep.equal([100n, 100n]);
  });

  it('retries after a serialization failure', async () => {
    let runs = 0;
    await openAccount(db, 'serial', 0n);
    const bothHaveRead = barrier(2);
    const increment = async (tx: Transaction): Promise<void> => {
      runs += 1;
      await tx.query(sql('test.repeatable', 'set transaction isolation level repeatable read')());
      await balanceOf(tx, 'serial');
      await bothHaveRead();
      await deposit(tx, 'serial', 1n);
    };
    await Promise.all([db.transaction(increment), db.transaction(increment)]);
    expect(runs).to.equal(3);
    expect(await balanceOf(db, 'serial')).to.equal(2n);
  });

  it('fails with CONFLICT after three retries', async () => {
    let runs = 0;
    const call = db.transaction(async (tx) => {
      runs += 1;
      await tx.query(conflict);
    });
    await expectReason(call, 'CONFLICT');
    expect(runs).to.equal(4);
  });

  it('does not retry when the connection is lost', async () => {
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

  it('keeps its connection after a violated constraint', async () => {
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

/** Returns a function whose promise resolves when the function has been called `parties` times. */
function barrier(parties: number): () => Promise<void> {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let arrived = 0;
  return () => {
    arrived += 1;
    if (arrived === parties) open();
    return opened;
  };
}
