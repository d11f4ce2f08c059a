import { expect } from 'chai';
import {
  type Database,
  type DatabaseConfig,
  isUniqueViolation,
  openDatabase,
  sql,
} from '../../pkg/postgres/index.js';
import { until } from '../../pkg/postgres/embedded/postmaster.js';
import {
  backendPid,
  balanceOf,
  exampleMigrations,
  openAccount,
  terminateBackend,
} from '../../pkg/postgres/testing/example.js';
import { expectReason, failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import { startProxy } from '../../pkg/postgres/testing/proxy.js';
import {
  createTestDatabase,
  testDatabaseConfig,
  type TestDatabase,
} from '../../pkg/postgres/testing/test-database.js';

describe('a database', () => {
  let database: TestDatabase;
  let warnings: string[] = [];
  const opened: Database[] = [];
  const logger = { warn: (_fields: object, message: string) => warnings.push(message) };

  before(async () => {
    database = await createTestDatabase(exampleMigrations);
    await openAccount(database.db, 'a', 1n);
  });
  after(() => database.drop());
  afterEach(async () => {
    warnings = [];
    await Promise.all(opened.splice(0).map((db) => db.close()));
  });

  async function open(changes: Partial<DatabaseConfig> = {}): Promise<Database> {
    const db = await openDatabase({ ...testDatabaseConfig(database.url), ...changes }, logger);
    opened.push(db);
    return db;
  }

  it('reads each type as what it means', async () => {
    const [row] = await database.db.query(
      sql(
        'test.types',
        `select 9007199254740993::int8 as n, array[1, null, -2]::int8[] as list, '{}'::int8[] as none,
           '2026-01-02T03:04:05.678Z'::timestamptz as at, '\\x0102'::bytea as bytes,
           '{"a": [1]}'::jsonb as json, 'x'::text as text, null::int8 as nothing`,
      ),
    );
    expect(row).to.deep.equal({
      n: 9007199254740993n,
      list: [1n, null, -2n],
      none: [],
      at: new Date('2026-01-02T03:04:05.678Z'),
      bytes: Buffer.from([1, 2]),
      json: { a: [1] },
      text: 'x',
      nothing: null,
    });
  });

  it('writes bigint, dates, bytes and arrays of them', async () => {
    const values = [9007199254740993n, new Date(1_700_000_000_123), Buffer.from('é'), [1n, 2n]];
    const [row] = await database.db.query(
      sql('test.write', 'select $1::int8 a, $2::timestamptz b, $3::bytea c, $4::int8[] d'),
      values,
    );
    expect(Object.values(row as object)).to.deep.equal(values);
  });

  it('tells a broken unique constraint by its name', async () => {
    const failure = await failureOf(openAccount(database.db, 'a'));
    expect(isUniqueViolation(failure, 'accounts_pkey')).to.equal(true);
    expect(isUniqueViolation(failure, 'accounts_note')).to.equal(false);
  });

  it('reports a lost connection as DEPENDENCY_UNAVAILABLE and serves the next call', async () => {
    const db = await open({ poolMax: 1 });
    const pid = await backendPid(db);
    const sleeping = db.query(sql('test.sleep', 'select pg_sleep(60)'));
    await untilBusy(pid);
    await terminateBackend(database.db, pid);
    await expectReason(sleeping, 'DEPENDENCY_UNAVAILABLE');
    expect(await balanceOf(db, 'a')).to.equal(1n);
  });

  it('survives the loss of an idle connection and says so', async () => {
    const db = await open();
    await terminateBackend(database.db, await backendPid(db));
    expect(await until(() => warnings.length > 0, 10_000)).to.equal(true);
    expect(warnings).to.deep.equal(['idle database connection lost']);
    expect(db.stats().total).to.equal(0);
    expect(await balanceOf(db, 'a')).to.equal(1n);
  });

  it('does not repeat a commit whose answer is lost', async () => {
    let runs = 0;
    const proxy = await startProxy(database.url, (chunk) => (chunk.includes('commit\0') ? 'cut' : 'pass'));
    const db = await open({ url: proxy.url });
    const call = db.transaction(async (tx) => {
      runs += 1;
      await openAccount(tx, 'in doubt', 7n);
    });
    const error = await expectReason(call, 'DEPENDENCY_UNAVAILABLE');
    expect(error.message).to.contain('unknown');
    expect(runs).to.equal(1);
    expect(await balanceOf(database.db, 'in doubt')).to.equal(7n);
    await proxy.close();
  });

  it('refuses callers as OVERLOADED when too many wait for a connection', async () => {
    const db = await open({ poolMax: 2 });
    const { release, held } = await holdAll(db, 2);
    const waiting = Array.from({ length: 20 }, () => balanceOf(db, 'a'));
    expect(db.stats()).to.deep.equal({ total: 2, idle: 0, max: 2, waiting: 20 });
    await expectReason(balanceOf(db, 'a'), 'OVERLOADED');
    release();
    expect(new Set(await Promise.all(waiting))).to.deep.equal(new Set([1n]));
    await held;
  });

  it('refuses a caller as OVERLOADED when no connection comes free in time', async () => {
    const db = await open({ poolMax: 1, connectTimeoutMs: 500 });
    const { release, held } = await holdAll(db, 1);
    await expectReason(balanceOf(db, 'a'), 'OVERLOADED');
    release();
    await held;
  });

  it('ends a statement that runs too long as DEADLINE_EXCEEDED', async () => {
    const db = await open({ statementTimeoutMs: 50 });
    await expectReason(db.query(sql('test.sleep', 'select pg_sleep(60)')), 'DEADLINE_EXCEEDED');
  });

  it('prepares a statement again after a migration changed its result', async () => {
    const db = await open({ poolMax: 1 });
    const all = sql('test.all', 'select * from changing');
    await db.query(sql('test.create', 'create table changing (a int)'));
    await db.query(all);
    await db.query(sql('test.alter', 'alter table changing add b int'));
    await failureOf(db.query(all));
    expect(await db.query(all)).to.deep.equal([]);
  });

  it('knows whether the server can be reached, also when every connection is taken', async () => {
    const proxy = await startProxy(database.url);
    const db = await open({ url: proxy.url, poolMax: 1 });
    const { release, held } = await holdAll(db, 1);
    expect(await db.isReachable(10_000)).to.equal(true);
    release();
    await held;
    await proxy.close();
    expect(await db.isReachable(10_000)).to.equal(false);
  });

  it('can be closed twice', async () => {
    const db = await open();
    await Promise.all([db.close(), db.close()]);
    await expectReason(balanceOf(db, 'a'), 'DEPENDENCY_UNAVAILABLE');
  });

  async function untilBusy(pid: number): Promise<void> {
    const busy = sql('test.busy', `select from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'`);
    const found = await until(async () => (await database.db.query(busy, [pid])).length > 0, 10_000);
    expect(found).to.equal(true);
  }

  async function holdAll(
    db: Database,
    count: number,
  ): Promise<{ release: () => void; held: Promise<unknown> }> {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let holding = 0;
    const held = Promise.all(
      Array.from({ length: count }, () =>
        db.transaction(async () => {
          holding += 1;
          await released;
        }),
      ),
    );
    expect(await until(() => holding === count, 10_000)).to.equal(true);
    return { release, held };
  }
});

describe('opening a database', () => {
  let database: TestDatabase;
  const logger = { warn: () => undefined };

  before(async () => {
    database = await createTestDatabase(exampleMigrations);
  });
  after(() => database.drop());

  it('waits for a server that is not there yet', async () => {
    let accepting = false;
    const proxy = await startProxy(database.url, () => (accepting ? 'pass' : 'cut'));
    const config = testDatabaseConfig(proxy.url);
    const db = await openDatabase(config, {
      warn: () => {
        accepting = true;
      },
    });
    expect(await balanceOf(db, 'nobody')).to.equal(undefined);
    await db.close();
    await proxy.close();
  });

  it('says where it looked and what to do when nothing answers, without the password', async () => {
    const proxy = await startProxy(database.url);
    await proxy.close();
    const config = { ...testDatabaseConfig(proxy.url), connectTimeoutMs: 300 };
    const error = await expectReason(openDatabase(config, logger), 'DEPENDENCY_UNAVAILABLE');
    expect(error.message).to.contain(new URL(proxy.url).host).and.to.contain('DATABASE_URL');
    expect(error.message).not.to.contain(new URL(proxy.url).password);
  });

  it('says at once that the database does not exist', async () => {
    const url = database.url.replace(/[^/]+$/, 'no_such_database');
    const error = await expectReason(openDatabase(testDatabaseConfig(url), logger), 'DEPENDENCY_UNAVAILABLE');
    expect(error.message).to.contain('does not exist');
  });

  it('says at once that the password is wrong', async () => {
    const url = new URL(database.url);
    url.password = 'wrong';
    const error = await expectReason(
      openDatabase(testDatabaseConfig(url.href), logger),
      'DEPENDENCY_UNAVAILABLE',
    );
    expect(error.message).to.contain('password');
    expect(error.message).not.to.contain('wrong');
  });
});
