import { expect } from 'chai';
import {
  type Database,
  type DatabaseConfig,
  isUniqueViolation,
  openDatabase,
  sql,
} from '../../../pkg/postgres/index.js';
import { PooledDatabase } from '../../../pkg/postgres/connection/pooled-database.js';
import { pause } from '../../../pkg/runtime/index.js';
import {
  backendPid,
  balanceOf,
  exampleMigrations,
  openAccount,
  terminateBackend,
} from '../../support/postgres/example.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { startFreezingProxy } from '../../support/rpc/freezing-proxy.js';
import { startProxy } from '../../support/postgres/proxy.js';
import {
  createTestDatabase,
  testDatabaseConfig,
  type TestDatabase,
} from '../../support/postgres/test-database.js';
import { waitFor } from '../../support/wait-for.js';

const sleep = sql('test.sleep', 'select pg_sleep(60)');

describe('Database', () => {
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

  async function open(overrides: Partial<DatabaseConfig> = {}): Promise<Database> {
    const db = await openDatabase({ ...testDatabaseConfig(database.url), ...overrides }, logger);
    opened.push(db);
    return db;
  }

  it('returns column values in the documented JavaScript types', async () => {
    const [row] = await database.db.query(
      sql(
        'test.types',
        `select 9007199254740993::int8 as n, array[1, null, -2]::int8[] as list, '{}'::int8[] as none,
           '2026-01-02T03:04:05.678Z'::timestamptz as at, '\\x0102'::bytea as bytes,
           '{"a": [1]}'::jsonb as json, 'x'::text as text, null::int8 as nothing`,
      )(),
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

  it('accepts bigint, Date, Buffer and bigint[] as parameters', async () => {
    const write = sql(
      'test.write',
      'select $n::int8 n, $at::timestamptz "at", $bytes::bytea bytes, $list::int8[] list',
    );
    const values = {
      n: 9007199254740993n,
      at: new Date(1_700_000_000_123),
      bytes: Buffer.from('é'),
      list: [1n, 2n],
    };
    const [row] = await database.db.query(write(values));
    expect(row).to.deep.equal(values);
  });

  it('rethrows a unique violation with the name of its constraint', async () => {
    const failure = await failureOf(openAccount(database.db, 'a'));
    expect(isUniqueViolation(failure, 'accounts_pkey')).to.equal(true);
    expect(isUniqueViolation(failure, 'accounts_note')).to.equal(false);
  });

  it('fails with DEPENDENCY_UNAVAILABLE when a connection is lost, and runs the next statement', async () => {
    const db = await open({ poolMax: 1 });
    const pid = await backendPid(db);
    const sleeping = db.query(sleep());
    await waitForSleep(pid);
    await terminateBackend(database.db, pid);
    await expectReason(sleeping, 'DEPENDENCY_UNAVAILABLE');
    expect(await balanceOf(db, 'a')).to.equal(1n);
  });

  it('logs the loss of an idle connection and runs the next statement', async () => {
    const db = await open();
    await terminateBackend(database.db, await backendPid(db));
    await waitFor(() => warnings.length > 0, 'warning about the lost connection');
    expect(warnings).to.deep.equal(['idle database connection lost']);
    expect(db.stats().total).to.equal(0);
    expect(await balanceOf(db, 'a')).to.equal(1n);
  });

  it('does not repeat a transaction when the response to its commit is lost', async () => {
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

  it('rejects callers with OVERLOADED when too many callers wait for a connection', async () => {
    const db = await open({ poolMax: 2 });
    const { release, held } = await holdConnections(db, 2);
    const waiting = Array.from({ length: 20 }, () => balanceOf(db, 'a'));
    expect(db.stats()).to.deep.equal({ total: 2, idle: 0, max: 2, waiting: 20 });
    await expectReason(balanceOf(db, 'a'), 'OVERLOADED');
    release();
    expect(new Set(await Promise.all(waiting))).to.deep.equal(new Set([1n]));
    await held;
  });

  it('rejects a caller with OVERLOADED when no connection becomes free in time', async () => {
    const db = await open({ poolMax: 1, connectTimeoutMs: 500 });
    const { release, held } = await holdConnections(db, 1);
    await expectReason(balanceOf(db, 'a'), 'OVERLOADED');
    release();
    await held;
  });

  it('lets callers leave the queue at their deadline or when they are cancelled, and serves later callers', async () => {
    const db = await open({ poolMax: 1 });
    const { release, held } = await holdConnections(db, 1);
    const cancelled = new AbortController();
    const short = Array.from({ length: 5 }, () => balanceOf(db.within({ deadline: Date.now() + 50 }), 'a'));
    const hungUp = Array.from({ length: 5 }, () => balanceOf(db.within({ signal: cancelled.signal }), 'a'));
    expect(db.stats().waiting).to.equal(10);
    await Promise.all(short.map((call) => expectReason(call, 'DEADLINE_EXCEEDED')));
    expect(db.stats().waiting).to.equal(5);
    cancelled.abort();
    await Promise.all(hungUp.map((call) => expectReason(call, 'CANCELLED')));
    expect(db.stats().waiting).to.equal(0);
    const later = Array.from({ length: 10 }, () =>
      balanceOf(db.within({ deadline: Date.now() + 20_000 }), 'a'),
    );
    release();
    expect(await Promise.all(later)).to.deep.equal(Array.from({ length: 10 }, () => 1n));
    await held;
  });

  it('executes no statement of a caller that has left the queue', async () => {
    await database.db.query(sql('test.create_executed', 'create sequence executed')());
    const execute = sql('test.execute', `select nextval('executed'), pg_sleep(0.005)`);
    const db = await open({ poolMax: 1 });
    const endsAt = Date.now() + 1000;
    let served = 0;
    const call = async (): Promise<void> => {
      while (Date.now() < endsAt) {
        const statement = db.within({ deadline: Date.now() + 20 }).query(execute());
        await statement.then(
          () => (served += 1),
          () => undefined,
        );
        await pause(5);
      }
    };
    await Promise.all(Array.from({ length: 30 }, call));
    const [row] = await database.db.query<{ executed: bigint }>(
      sql('test.read_executed', 'select last_value as executed from executed')(),
    );
    expect(served).to.be.greaterThan(20);
    expect(row?.executed).to.equal(BigInt(served));
    expect(db.stats().waiting).to.equal(0);
  });

  it('lets a caller leave while the server accepts its connection', async () => {
    const proxy = await startFreezingProxy(new URL(database.url).host);
    const url = new URL(database.url);
    url.host = proxy.address;
    const db = new PooledDatabase({ ...testDatabaseConfig(url.href), poolMax: 1 }, logger);
    opened.push(db);
    proxy.freeze();
    await expectReason(balanceOf(db.within({ deadline: Date.now() + 50 }), 'a'), 'DEADLINE_EXCEEDED');
    proxy.thaw();
    expect(await balanceOf(db, 'a')).to.equal(1n);
    await db.close();
    await proxy.close();
  });

  it('starts no statement after the deadline of its call', async () => {
    const late = database.db.within({ deadline: Date.now() - 1 });
    await expectReason(openAccount(late, 'late'), 'DEADLINE_EXCEEDED');
    expect(await balanceOf(database.db, 'late')).to.equal(undefined);
  });

  it('cancels a slow statement with DEADLINE_EXCEEDED', async () => {
    const db = await open({ statementTimeoutMs: 50 });
    await expectReason(db.query(sleep()), 'DEADLINE_EXCEEDED');
  });

  it('fails once after a migration changes the result type of a statement, then prepares the statement again', async () => {
    const db = await open({ poolMax: 1 });
    const selectAll = sql('test.all', 'select * from changing');
    await db.query(sql('test.create', 'create table changing (a int)')());
    await db.query(selectAll());
    await db.query(sql('test.alter', 'alter table changing add b int')());
    await failureOf(db.query(selectAll()));
    expect(await db.query(selectAll())).to.deep.equal([]);
  });

  it('reports whether the server is reachable, even when the pool is exhausted', async () => {
    const proxy = await startProxy(database.url);
    const db = await open({ url: proxy.url, poolMax: 1 });
    const { release, held } = await holdConnections(db, 1);
    expect(await db.isReachable(10_000)).to.equal(true);
    release();
    await held;
    await proxy.close();
    expect(await db.isReachable(10_000)).to.equal(false);
  });

  it('can be closed twice and then rejects statements', async () => {
    const db = await open();
    await Promise.all([db.close(), db.close()]);
    await expectReason(balanceOf(db, 'a'), 'DEPENDENCY_UNAVAILABLE');
  });

  async function waitForSleep(pid: number): Promise<void> {
    const busy = sql('test.busy', `select from pg_stat_activity where pid = $pid and wait_event = 'PgSleep'`);
    await waitFor(async () => (await database.db.query(busy({ pid }))).length > 0, 'sleeping statement');
  }

  /** Opens `count` transactions that hold their connections until `release` is called. */
  async function holdConnections(
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
    await waitFor(() => holding === count, 'transaction on each connection');
    return { release, held };
  }
});

describe('openDatabase', () => {
  let database: TestDatabase;
  const logger = { warn: () => undefined };
  /** A logger that fails the test at the first retry: each retry logs a warning. */
  const rejectsRetries = { warn: () => expect.fail('openDatabase retried') };

  before(async () => {
    database = await createTestDatabase(exampleMigrations);
  });
  after(() => database.drop());

  it('waits for a server that does not accept connections yet', async () => {
    let accepting = false;
    const proxy = await startProxy(database.url, () => (accepting ? 'pass' : 'cut'));
    const config = testDatabaseConfig(proxy.url);
    const db = await openDatabase(config, {
      warn: () => {
        accepting = true;
      },
    });
    expect(await balanceOf(db, 'missing')).to.equal(undefined);
    await db.close();
    await proxy.close();
  });

  it('fails when the server is unreachable, with an error that names the address and a remedy, but not the password', async () => {
    const proxy = await startProxy(database.url);
    await proxy.close();
    const config = { ...testDatabaseConfig(proxy.url), connectTimeoutMs: 300 };
    const error = await expectReason(openDatabase(config, logger), 'DEPENDENCY_UNAVAILABLE');
    expect(error.message).to.contain(new URL(proxy.url).host).and.to.contain('DATABASE_URL');
    expect(error.message).not.to.contain(new URL(proxy.url).password);
  });

  it('fails without a retry when the database does not exist', async () => {
    const url = database.url.replace(/[^/]+$/, 'no_such_database');
    const error = await expectReason(
      openDatabase(testDatabaseConfig(url), rejectsRetries),
      'DEPENDENCY_UNAVAILABLE',
    );
    expect(error.message).to.contain('does not exist');
  });

  it('fails without a retry when the password is wrong', async () => {
    const url = new URL(database.url);
    url.password = 'wrong';
    const error = await expectReason(
      openDatabase(testDatabaseConfig(url.href), rejectsRetries),
      'DEPENDENCY_UNAVAILABLE',
    );
    expect(error.message).to.contain('password');
    expect(error.message).not.to.contain('wrong');
  });
});
