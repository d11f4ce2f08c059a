import { expect } from 'chai';
import { isAppError } from '../../../pkg/errors/index.js';
import { connect } from '../../../pkg/postgres/connection/connect.js';
import { type Database, migrate, openDatabase, sql } from '../../../pkg/postgres/index.js';
import { PooledDatabase } from '../../../pkg/postgres/connection/pooled-database.js';
import { balanceOf, deposit, exampleMigrations, openAccount } from '../../support/postgres/example.js';
import {
  type Cut,
  type Ending,
  startSessionCutter,
  type SessionCutter,
} from '../../support/postgres/session-cutter.js';
import {
  createTestDatabase,
  testDatabaseConfig,
  type TestDatabase,
} from '../../support/postgres/test-database.js';
import { waitFor } from '../../support/wait-for.js';

const endings: readonly Ending[] = ['fatal', 'end', 'reset'];

/** Messages of the connection set-up at which a session ends, before any statement is sent. */
const setUp: Readonly<Record<string, Cut>> = {
  'before the answer to the startup message': ({ type }) => (type === 'R' ? 'before' : undefined),
  'within the answer to the startup message': ({ type }) => (type === 'R' ? 'within' : undefined),
  'after the answer to the startup message': ({ type }) => (type === 'R' ? 'after' : undefined),
  'before the first ReadyForQuery': ({ type }) => (type === 'Z' ? 'before' : undefined),
  'together with the first ReadyForQuery': ({ type }) => (type === 'Z' ? 'with' : undefined),
  'after the first ReadyForQuery': ({ type }) => (type === 'Z' ? 'after' : undefined),
};

/** Messages of a transaction at which a session ends. */
const inTransaction: Readonly<Record<string, Cut>> = {
  'together with the answer to BEGIN': at('begin', 'Z', 'with'),
  'after the answer to BEGIN': at('begin', 'Z', 'after'),
  'before the row description': at('example.read', 'T', 'before'),
  'within a row': at('example.read', 'D', 'within'),
  'after a row': at('example.read', 'D', 'after'),
  'before ReadyForQuery of a statement': at('example.read', 'Z', 'before'),
  'together with ReadyForQuery of a statement': at('example.read', 'Z', 'with'),
  'before the answer to COMMIT': at('commit', 'C', 'before'),
  'before ReadyForQuery of COMMIT': at('commit', 'Z', 'before'),
  'together with ReadyForQuery of COMMIT': at('commit', 'Z', 'with'),
  'after ReadyForQuery of COMMIT': at('commit', 'Z', 'after'),
};

function at(statement: string, type: string, last: 'before' | 'within' | 'with' | 'after'): Cut {
  return (message) => (message.type === type && message.statement.startsWith(statement) ? last : undefined);
}

// An `error` event without a listener is an uncaught exception, which fails the running test.
describe('a session that ends', () => {
  let database: TestDatabase;
  let cutter: SessionCutter;
  let db: Database;
  const logger = { warn: () => undefined };

  before(async () => {
    database = await createTestDatabase(exampleMigrations);
    await openAccount(database.db, 'a', 1n);
    cutter = await startSessionCutter(database.url);
  });
  after(async () => {
    await cutter.close();
    await database.drop();
  });
  beforeEach(() => {
    db = new PooledDatabase({ ...testDatabaseConfig(cutter.url), poolMax: 1 }, logger);
  });
  afterEach(() => db.close());

  for (const ending of endings) {
    for (const [point, cut] of Object.entries(setUp)) {
      it(`${point} (${ending}) fails a call as unavailable or repeats it`, async () => {
        cutter.cutNext(cut, ending);
        const { cuts } = cutter;
        await readOrUnavailable(db);
        expect(cutter.cuts).to.equal(cuts + 1);
        expect(await balanceOf(db, 'a')).to.equal(1n);
      });
      it(`${point} (${ending}) does not end a health check`, async () => {
        cutter.cutNext(cut, ending);
        await db.isReachable(10_000);
        expect(await db.isReachable(10_000)).to.equal(true);
      });
      it(`${point} (${ending}) is retried at start-up`, async () => {
        cutter.cutNext(cut, ending);
        const started = await openDatabase(testDatabaseConfig(cutter.url), logger);
        await started.close();
      });
      it(`${point} (${ending}) fails a migration, which can be repeated`, async () => {
        cutter.cutNext(cut, ending);
        await migrate(cutter.url, exampleMigrations).catch(() => undefined);
        expect(await migrate(cutter.url, exampleMigrations)).to.deep.equal([]);
      });
    }

    for (const [point, cut] of Object.entries(inTransaction)) {
      it(`${point} (${ending}) fails a transaction as unavailable or lets it commit`, async () => {
        await balanceOf(db, 'a');
        cutter.cutNext(cut, ending);
        const { cuts } = cutter;
        await unavailableOr(db.transaction((tx) => balanceOf(tx, 'a')));
        await waitFor(() => cutter.cuts > cuts, 'cut session');
        await waitFor(async () => (await readOrUnavailable(db)) === 1n, 'answer on a new session');
      });
    }

    it(`while idle (${ending}) is replaced`, async () => {
      cutter.cutNext(at('example.read', 'Z', 'after'), ending);
      await balanceOf(db, 'a');
      await waitFor(() => db.stats().total === 0, 'removed session');
      expect(await balanceOf(db, 'a')).to.equal(1n);
    });

    it(`outside of the pool (${ending}) has no effect`, async () => {
      const client = await connect(testDatabaseConfig(cutter.url), 10_000);
      cutter.cutNext(() => 'with', ending);
      await client.query('select 2').catch(() => undefined);
      await client.end();
    });
  }

  it('because of an administrator, again and again, fails calls as unavailable and no others', async () => {
    const busy = new PooledDatabase({ ...testDatabaseConfig(database.url), poolMax: 8 }, logger);
    let rounds = 0;
    const outcomes = { ok: 0, unavailable: 0 };
    const call = async (): Promise<void> => {
      while (rounds < 60) {
        const done = await unavailableOr(busy.transaction((tx) => deposit(tx, 'a', 0n).then(() => 'done')));
        outcomes[done === undefined ? 'unavailable' : 'ok'] += 1;
      }
    };
    const terminate = async (): Promise<void> => {
      for (; rounds < 60; rounds += 1) await unavailableOr(database.db.query(terminateOthers()));
    };
    await Promise.all([...Array.from({ length: 16 }, call), terminate()]);
    await busy.close();
    expect(outcomes.ok).to.be.greaterThan(0);
    expect(outcomes.unavailable).to.be.greaterThan(0);
  });
});

const terminateOthers = sql(
  'test.terminate_others',
  `select pg_terminate_backend(pid) from pg_stat_activity
   where datname = current_database() and pid <> pg_backend_pid()`,
);

function readOrUnavailable(db: Database): Promise<bigint | undefined> {
  return unavailableOr(balanceOf(db, 'a'));
}

async function unavailableOr<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    expect(isAppError(error) ? error.reason : error).to.equal('DEPENDENCY_UNAVAILABLE');
    return undefined;
  }
}
