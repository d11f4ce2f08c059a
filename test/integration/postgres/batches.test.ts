import { expect } from 'chai';
import {
  Batcher,
  contended,
  type Database,
  done,
  failed,
  isUniqueViolation,
  sql,
  type BatcherOptions,
  type ItemOutcome,
  type Transaction,
} from '../../../pkg/postgres/index.js';
import { PooledDatabase } from '../../../pkg/postgres/connection/pooled-database.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { balanceOf, exampleMigrations, openAccount } from '../../support/postgres/example.js';
import { startSessionCutter } from '../../support/postgres/session-cutter.js';
import {
  createTestDatabase,
  testDatabaseConfig,
  type TestDatabase,
} from '../../support/postgres/test-database.js';
import { waitFor } from '../../support/wait-for.js';

interface NewAccount {
  readonly id: string;
  /** Text of the balance, which the database parses. */
  readonly balance: string;
}

interface Deposit {
  readonly id: string;
  readonly amount: bigint;
}

type Options<Item, Result> = Omit<
  BatcherOptions<Item, Result>,
  'execute' | 'operation' | 'keyOf' | 'sameBody'
>;

const insertAll = sql(
  'batches.insert',
  `insert into accounts (id, balance)
   select id, balance::bigint from unnest($ids::text[], $balances::text[]) as a (id, balance)
   on conflict (id) do nothing returning id`,
);
const insertNew = sql(
  'batches.insert_new',
  'insert into accounts (id, balance) select id, balance::bigint from unnest($ids::text[], $balances::text[]) as a (id, balance)',
);
const lockFree = sql(
  'batches.lock_free',
  'select id from accounts where id = any ($ids::text[]) order by id for update skip locked',
);
const lockAll = sql(
  'batches.lock_all',
  'select id from accounts where id = any ($ids::text[]) order by id for update',
);
const setLockTimeout = sql('batches.set_lock_timeout', `select set_config('lock_timeout', $timeout, true)`);
const depositAll = sql(
  'batches.deposit',
  `update accounts a set balance = a.balance + d.amount
   from unnest($ids::text[], $amounts::bigint[]) as d (id, amount) where a.id = d.id returning a.id, a.balance`,
);
const lockWaits = sql(
  'batches.lock_waits',
  `select count(*)::int as waits from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
);

describe('Batcher', () => {
  let database: TestDatabase;
  let db: Database;
  const closers: (() => Promise<void>)[] = [];

  before(async () => {
    database = await createTestDatabase(exampleMigrations);
    db = database.db;
  });
  after(() => database.drop());
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  /** Creates accounts by one statement. An existing account with another balance is rejected. */
  function accountBatcher(
    options: Partial<Options<NewAccount, string>> & {
      readonly on?: Database;
      readonly statement?: typeof insertAll;
    } = {},
  ) {
    const { on = db, statement = insertAll, ...rest } = options;
    const batches: string[][] = [];
    const batcher = new Batcher<NewAccount, string>({
      operation: 'test.open_accounts',
      concurrency: 1,
      batching: { maxItems: 64 },
      keyOf: ({ id }) => id,
      sameBody: (a, b) => a.balance === b.balance,
      ...rest,
      execute: async (accounts, { deadline }) => {
        const ids = accounts.map(({ id }) => id);
        batches.push(ids);
        const balances = accounts.map(({ balance }) => balance);
        await on.within({ deadline }).query(statement({ ids, balances }));
        return Promise.all(
          accounts.map(async ({ id, balance }) => {
            const stored = String(await balanceOf(on, id));
            return stored === balance ? done(id) : failed(new Error(`${id} has ${stored}`));
          }),
        );
      },
    });
    closers.push(() => batcher.close());
    const open = (...accounts: (readonly [string, string])[]): Promise<string>[] =>
      accounts.map(([id, balance]) => batcher.run({ id, balance }));
    return { batcher, batches, open };
  }

  /** Deposits by a short transaction, which skips accounts that other transactions have locked. */
  function depositBatcher({ timeout = '20s', maxItems = 64 } = {}) {
    const batches: { readonly lane: string; readonly ids: readonly string[] }[] = [];
    const batcher = new Batcher<Deposit, bigint>({
      operation: 'test.deposit',
      concurrency: 1,
      batching: { maxItems },
      keyOf: ({ id }) => id,
      sameBody: () => false,
      execute: (deposits, { lane, deadline }) => {
        const ids = deposits.map(({ id }) => id);
        batches.push({ lane, ids });
        return db.within({ deadline }).transaction(async (tx) => {
          if (lane === 'CONTENDED') await tx.query(setLockTimeout({ timeout }));
          const lock = lane === 'FAST' ? lockFree : lockAll;
          const locked = new Set((await tx.query<{ id: string }>(lock({ ids }))).map(({ id }) => id));
          return depositLocked(tx, deposits, locked);
        });
      },
    });
    closers.push(() => batcher.close());
    return { batcher, batches };
  }

  async function openAccounts(...ids: string[]): Promise<void> {
    for (const id of ids) await openAccount(db, id);
  }

  /** Locks accounts until `release` is called. */
  async function lockAccounts(...ids: string[]): Promise<{ release(): Promise<void> }> {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isLocked = false;
    const transaction = db.transaction(async (tx) => {
      await tx.query(lockAll({ ids }));
      isLocked = true;
      await released;
    });
    await waitFor(() => isLocked, 'lock of the accounts');
    const free = async (): Promise<void> => {
      release();
      await transaction;
    };
    closers.push(free);
    return { release: free };
  }

  async function waitForLockWaits(count: number): Promise<void> {
    const waits = async (): Promise<boolean> => {
      const [row] = await db.query<{ waits: number }>(lockWaits());
      return row?.waits === count;
    };
    await waitFor(waits, 'statements that wait for a lock');
  }

  describe('forming batches', () => {
    it('executes concurrent calls as one statement, in the order of their keys', async () => {
      const { batches, open } = accountBatcher();
      const calls = open(['c-3', '3'], ['c-1', '1'], ['c-2', '2']);
      expect(await Promise.all(calls)).to.deep.equal(['c-3', 'c-1', 'c-2']);
      expect(batches).to.deep.equal([['c-1', 'c-2', 'c-3']]);
    });

    it('keeps the order of arrival on request', async () => {
      const { batches, open } = accountBatcher({ order: 'ARRIVAL' });
      await Promise.all(open(['o-3', '3'], ['o-1', '1'], ['o-2', '2']));
      expect(batches).to.deep.equal([['o-3', 'o-1', 'o-2']]);
    });

    it('executes equal requests once, and a different request of the same key in a later batch', async () => {
      const { batches, open } = accountBatcher({ concurrency: 2 });
      const [first, different, equal] = open(['m-1', '1'], ['m-1', '2'], ['m-1', '1'], ['m-2', '2']);
      expect(await Promise.all([first, equal])).to.deep.equal(['m-1', 'm-1']);
      expect((await failureOf(different!)).message).to.equal('m-1 has 1');
      expect(batches).to.deep.equal([['m-1', 'm-2'], ['m-1']]);
    });

    it('executes every call alone and at once when the maximum is one item', async () => {
      await openAccounts('s-1', 's-2', 's-3');
      const hot = await lockAccounts('s-1');
      const { batcher, batches } = depositBatcher({ maxItems: 1 });
      const calls = ['s-1', 's-2', 's-1', 's-3'].map((id) => batcher.run({ id, amount: 1n }));
      expect(await Promise.all([calls[1], calls[3]])).to.deep.equal([1n, 1n]);
      await waitForLockWaits(2);
      await hot.release();
      expect(await Promise.all([calls[0], calls[2]])).to.have.members([1n, 2n]);
      for (const { ids } of batches) expect(ids).to.have.length(1);
    });
  });

  describe('failures', () => {
    for (const { title, bad, code } of [
      { title: 'invalid data (class 22)', bad: 'a lot', code: '22P02' },
      { title: 'a violated constraint (class 23)', bad: '-1', code: '23514' },
    ]) {
      it(`fails only the item with ${title}`, async () => {
        const { batches, open } = accountBatcher();
        const ids = Array.from({ length: 64 }, (_, i) => `${code}-${String(i).padStart(2, '0')}`);
        const calls = open(...ids.map((id, i) => [id, i === 37 ? bad : '5'] as const));
        const failures = await Promise.all(
          calls.map((call) =>
            call.then(
              () => undefined,
              (error: unknown) => error,
            ),
          ),
        );
        expect(failures.map((error) => error !== undefined).indexOf(true)).to.equal(37);
        expect(failures.filter((error) => error !== undefined)).to.have.length(1);
        expect(failures[37]).to.have.property('code', code);
        expect(batches).to.have.length(13);
        expect(await balanceOf(db, ids[37]!)).to.equal(undefined);
        expect(await balanceOf(db, ids[63]!)).to.equal(5n);
      });
    }

    it('fails each of several bad items with its own error', async () => {
      await openAccounts('u-1', 'u-3');
      const { open } = accountBatcher({ statement: insertNew });
      const [first, second, third] = open(['u-1', '1'], ['u-2', '2'], ['u-3', '3']);
      expect(isUniqueViolation(await failureOf(first!), 'accounts_pkey')).to.equal(true);
      expect(await second).to.equal('u-2');
      expect(isUniqueViolation(await failureOf(third!), 'accounts_pkey')).to.equal(true);
    });

    it('executes a batch again after a deadlock', async () => {
      await openAccounts('d-1', 'd-2');
      const { batcher, batches, rival } = deadlockingBatcher();
      const calls = [batcher.run('d-1'), batcher.run('d-2')];
      await Promise.all([...calls, rival]);
      expect(batches()).to.deep.equal({ executed: 1, attempts: 3 });
    });

    /** A batch and a transaction that lock the same accounts in opposite order, until one of them is the victim. */
    function deadlockingBatcher() {
      let executed = 0;
      let attempts = 0;
      let locked = 0;
      const lockBoth = (ids: readonly string[]) => async (tx: Transaction) => {
        attempts += 1;
        const [first, second] = ids;
        await tx.query(lockAll({ ids: [first] }));
        locked += 1;
        await waitFor(() => locked >= 2, 'lock of the other transaction');
        await tx.query(lockAll({ ids: [second] }));
      };
      const batcher = new Batcher<string, string>({
        operation: 'test.lock',
        concurrency: 1,
        batching: { maxItems: 64 },
        keyOf: (id) => id,
        sameBody: () => true,
        execute: async (ids) => {
          executed += 1;
          await db.transaction(lockBoth(ids));
          return ids.map(done);
        },
      });
      closers.push(() => batcher.close());
      const rival = db.transaction(lockBoth(['d-2', 'd-1']));
      return { batcher, rival, batches: () => ({ executed, attempts }) };
    }

    it('fails every item with CONFLICT when a lock is not released', async () => {
      await openAccounts('l-1');
      await lockAccounts('l-1');
      const { batcher, batches } = depositBatcher({ timeout: '50ms' });
      await expectReason(batcher.run({ id: 'l-1', amount: 1n }), 'CONFLICT');
      expect(batches.map(({ lane }) => lane)).to.deep.equal(['FAST', 'CONTENDED']);
      expect(await balanceOf(db, 'l-1')).to.equal(0n);
    });

    for (const [title, type] of [
      ['before the answer of the server', 'before'],
      ['within the answer of the server', 'within'],
    ] as const) {
      it(`fails every item with DEPENDENCY_UNAVAILABLE and repeats none when the session ends ${title}`, async () => {
        const cutter = await startSessionCutter(database.url);
        const cut = new PooledDatabase(testDatabaseConfig(cutter.url), { warn: () => undefined });
        closers.push(
          () => cutter.close(),
          () => cut.close(),
        );
        const { batches, open } = accountBatcher({ on: cut });
        cutter.cutNext(
          (message) => (message.statement === 'batches.insert' && message.type === 'C' ? type : undefined),
          'reset',
        );
        const calls = open(...Array.from({ length: 8 }, (_, i) => [`${type}-${i}`, '1'] as const));
        const errors = await Promise.all(calls.map((call) => expectReason(call, 'DEPENDENCY_UNAVAILABLE')));
        expect(new Set(errors).size).to.equal(1);
        expect(batches).to.have.length(1);
        expect(cutter.cuts).to.equal(1);
      });
    }

    it('stops splitting a batch when the database goes away', async () => {
      let executed = 0;
      const batcher = new Batcher<string, string>({
        operation: 'test.outage',
        concurrency: 1,
        batching: { maxItems: 64 },
        keyOf: (id) => id,
        sameBody: () => true,
        execute: async (ids) => {
          executed += 1;
          const statement = executed === 1 ? raise('22003') : raise('57P01');
          await db.query(statement);
          return ids.map(done);
        },
      });
      const calls = Array.from({ length: 16 }, (_, i) => batcher.run(String(i)));
      await Promise.all(calls.map((call) => expectReason(call, 'DEPENDENCY_UNAVAILABLE')));
      expect(executed).to.equal(2);
      await batcher.close();
    });

    it('fails every item once when a statement takes too long', async () => {
      const slow = new PooledDatabase(
        { ...testDatabaseConfig(database.url), statementTimeoutMs: 50 },
        { warn: () => undefined },
      );
      closers.push(() => slow.close());
      await openAccounts('t-1');
      await lockAccounts('t-1');
      let executed = 0;
      const batcher = new Batcher<string, string>({
        operation: 'test.slow',
        concurrency: 1,
        batching: { maxItems: 64 },
        keyOf: (id) => id,
        sameBody: () => true,
        execute: async (ids) => {
          executed += 1;
          await slow.query(lockAll({ ids }));
          return ids.map(done);
        },
      });
      const calls = ['t-1', 't-2'].map((id) => batcher.run(id));
      await Promise.all(calls.map((call) => expectReason(call, 'DEADLINE_EXCEEDED')));
      expect(executed).to.equal(1);
      await batcher.close();
    });

    it('fails an item for which a batch returns no outcome', async () => {
      const batcher = new Batcher<string, string>({
        operation: 'test.short',
        concurrency: 1,
        batching: { maxItems: 64 },
        keyOf: (id) => id,
        sameBody: () => true,
        execute: async ([first]) => (first === undefined ? [] : [done(first)]),
      });
      const [first, second] = ['1', '2'].map((id) => batcher.run(id));
      expect(await first).to.equal('1');
      expect((await failureOf(second!)).message).to.contain('test.short');
      await batcher.close();
    });
  });

  describe('the lane of contended items', () => {
    it('lets contended items wait for their rows in order, while the others go on', async () => {
      await openAccounts('h-1', 'h-2', 'h-3');
      const hot = await lockAccounts('h-2');
      const { batcher, batches } = depositBatcher();
      const [free, waiting] = [
        batcher.run({ id: 'h-1', amount: 1n }),
        batcher.run({ id: 'h-2', amount: 10n }),
      ];
      expect(await free).to.equal(1n);
      const second = batcher.run({ id: 'h-2', amount: 100n });
      expect(await batcher.run({ id: 'h-3', amount: 1n })).to.equal(1n);
      await waitForLockWaits(1);
      await hot.release();
      expect(await Promise.all([waiting, second])).to.deep.equal([10n, 110n]);
      const contendedIds = batches.filter(({ lane }) => lane === 'CONTENDED').flatMap(({ ids }) => ids);
      expect(contendedIds).to.deep.equal(['h-2', 'h-2']);
    });

    it('keeps the order of arrival between batches', async () => {
      await openAccounts('k-1', 'k-2', 'k-3', 'k-4', 'free');
      const hot = await lockAccounts('k-1', 'k-2', 'k-3', 'k-4');
      const { batcher, batches } = depositBatcher({ maxItems: 2 });
      const run = (id: string): Promise<bigint> => batcher.run({ id, amount: 1n });
      const calls = [run('k-4')];
      await waitForLockWaits(1);
      calls.push(run('k-3'));
      await run('free');
      calls.push(run('k-2'), run('k-1'));
      // The batch of this item starts when the batch before it has ended.
      await run('free');
      await hot.release();
      expect(await Promise.all(calls)).to.deep.equal([1n, 1n, 1n, 1n]);
      const contendedIds = batches.filter(({ lane }) => lane === 'CONTENDED').map(({ ids }) => ids);
      expect(contendedIds).to.deep.equal([['k-4'], ['k-2', 'k-3'], ['k-1']]);
    });

    it('lets an item leave at its deadline while it waits for its turn', async () => {
      await openAccounts('w-1', 'w-2');
      const hot = await lockAccounts('w-1');
      await lockAccounts('w-2');
      const { batcher } = depositBatcher();
      const first = batcher.run({ id: 'w-1', amount: 1n });
      await waitForLockWaits(1);
      const late = batcher.run({ id: 'w-2', amount: 1n }, { deadline: Date.now() + 10 });
      await expectReason(late, 'DEADLINE_EXCEEDED');
      await hot.release();
      expect(await first).to.equal(1n);
      expect(await balanceOf(db, 'w-2')).to.equal(0n);
    });

    it('fails an item with CONFLICT that is still contended in this lane', async () => {
      const batcher = new Batcher<string, string>({
        operation: 'test.contended',
        concurrency: 1,
        batching: { maxItems: 64 },
        keyOf: (id) => id,
        sameBody: () => true,
        execute: async (ids) => ids.map(() => contended),
      });
      await expectReason(batcher.run('a'), 'CONFLICT');
      await batcher.close();
    });

    it('is finished before the batcher is closed', async () => {
      await openAccounts('f-1');
      const hot = await lockAccounts('f-1');
      const { batcher } = depositBatcher();
      const call = batcher.run({ id: 'f-1', amount: 1n });
      const ended: string[] = [];
      const settled = [
        call.then((balance) => ended.push(`call ${balance}`)),
        batcher.close().then(() => ended.push('close')),
      ];
      await expectReason(batcher.run({ id: 'f-1', amount: 1n }), 'SHUTTING_DOWN');
      await waitForLockWaits(1);
      await hot.release();
      await Promise.all(settled);
      expect(ended).to.deep.equal(['call 1', 'close']);
    });
  });
});

async function depositLocked(
  tx: Transaction,
  deposits: readonly Deposit[],
  locked: ReadonlySet<string>,
): Promise<ItemOutcome<bigint>[]> {
  const free = deposits.filter(({ id }) => locked.has(id));
  const rows = await tx.query<{ id: string; balance: bigint }>(
    depositAll({ ids: free.map(({ id }) => id), amounts: free.map(({ amount }) => amount) }),
  );
  const balances = new Map(rows.map(({ id, balance }) => [id, balance]));
  return deposits.map(({ id }) => {
    const balance = balances.get(id);
    return balance === undefined ? contended : done(balance);
  });
}

/** A statement that fails with an SQLSTATE. `sql` would reject this text, because `$$` is not a parameter. */
function raise(code: string) {
  return {
    name: `batches.raise_${code}`,
    text: `do $$ begin raise exception 'x' using errcode = '${code}'; end $$`,
    values: [],
  };
}
