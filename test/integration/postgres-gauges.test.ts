import { expect } from 'chai';
import { Registry } from 'prom-client';
import { DatabaseGauges, openDatabase, sql, type Queryable, type Sample } from '../../pkg/postgres/index.js';
import { balanceOf, exampleMigrations, openAccount } from '../../pkg/postgres/testing/example.js';
import { startProxy } from '../../pkg/postgres/testing/proxy.js';
import {
  createTestDatabase,
  testDatabaseConfig,
  type TestDatabase,
} from '../../pkg/postgres/testing/test-database.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';

const sleep = sql('test.sleep', 'select pg_sleep(60)');
const sessions = sql(
  'test.gauge_sessions',
  `select pid from pg_stat_activity where application_name = 'order-processing-metrics' and datname = current_database()`,
);

describe('gauges read from a database', () => {
  let database: TestDatabase;
  let registry: Registry;
  let warnings: string[];
  const opened: DatabaseGauges[] = [];

  before(async () => {
    database = await createTestDatabase(exampleMigrations);
    await openAccount(database.db, 'a', 7n);
  });
  beforeEach(() => {
    registry = new Registry();
    warnings = [];
  });
  afterEach(() => Promise.all(opened.splice(0).map((gauges) => gauges.close())));
  after(() => database.drop());

  function open(url = database.url): DatabaseGauges {
    const logger = { warn: (_fields: object, message: string) => warnings.push(message) };
    const gauges = new DatabaseGauges(testDatabaseConfig(url), { logger, metrics: { registry } });
    opened.push(gauges);
    return gauges;
  }

  /** A gauge with labels and one without, from one reading. */
  function showBalance(gauges: DatabaseGauges, onRead: (db: Queryable) => unknown = () => undefined): void {
    gauges.show({
      lastsMs: 0,
      gauges: {
        balance: { help: 'Balances.', labelNames: ['account'] },
        balance_sum: { help: 'All balances.' },
      },
      read: async (db) => {
        await onRead(db);
        const value = Number(await balanceOf(db, 'a'));
        const balance: Sample[] = [{ labels: { account: 'a' }, value }];
        return { balance, balance_sum: [{ value }] };
      },
    });
  }

  async function scrape(): Promise<string[]> {
    return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  }

  const readable = ['balance{account="a"} 7', 'balance_sum 7', 'database_up 1'];

  it('show what is there, and that the database is up', async () => {
    showBalance(open());
    await waitFor(async () => (await scrape()).includes('database_up 1'), 'the database');
    expect(await scrape()).to.have.members(readable);
  });

  it('are absent, not stale, while the database is away, which is said once', async () => {
    const proxy = await startProxy(database.url);
    showBalance(open(proxy.url));
    await waitFor(async () => (await scrape()).length === 3, 'the first reading');
    await proxy.close();
    await waitFor(async () => (await scrape()).includes('database_up 0'), 'the loss');
    for (let scrapes = 0; scrapes < 3; scrapes += 1) expect(await scrape()).to.deep.equal(['database_up 0']);
    const complaints = warnings.filter((message) => message.includes('metrics'));
    expect(complaints).to.deep.equal(['the database cannot be read for metrics']);
  });

  it('that fail for themselves come back, and what is lost again is said again', async () => {
    let isBroken = true;
    showBalance(open(), () => {
      if (isBroken) throw new Error('broken');
    });
    await waitFor(async () => (await scrape()).includes('database_up 1'), 'the database');
    expect(await scrape()).to.deep.equal(['database_up 1']);
    isBroken = false;
    await waitFor(async () => (await scrape()).length === 3, 'the recovery');
    expect(await scrape()).to.have.members(readable);
    isBroken = true;
    await waitFor(async () => (await scrape()).length === 1, 'the second loss');
    expect(warnings).to.have.length(2);
  });

  it('give up a reading that takes too long, on the server too', async () => {
    let failure: unknown;
    showBalance(open(), async (db) => {
      await db.query(sleep).catch((error: unknown) => {
        failure = error;
        throw error;
      });
    });
    await waitFor(async () => (await scrape()).includes('database_up 1'), 'the database');
    await waitFor(() => failure !== undefined, 'the server to end the statement');
    expect(await scrape()).to.deep.equal(['database_up 1']);
    expect(failure).to.have.property('reason', 'DEADLINE_EXCEEDED');
  });

  it('are read beside a pool that is all taken', async () => {
    const db = await openDatabase(
      { ...testDatabaseConfig(database.url), poolMax: 1 },
      { warn: () => undefined },
    );
    showBalance(open());
    await db.transaction(async () => {
      await waitFor(async () => (await scrape()).length === 3, 'a reading');
      expect(db.stats()).to.include({ total: 1, idle: 0 });
    });
    await db.close();
  });

  it('use one connection of their own, however many are read at once', async () => {
    const gauges = open();
    showBalance(gauges);
    gauges.show({
      gauges: { ones: { help: 'One.' } },
      read: async (db) => {
        await db.query(sessions);
        return { ones: [{ value: 1 }] };
      },
    });
    await waitFor(async () => (await scrape()).includes('database_up 1'), 'the database');
    await Promise.all([scrape(), scrape(), scrape()]);
    expect(await database.db.query(sessions)).to.have.length(1);
  });
});
