import { expect } from 'chai';
import { Registry } from 'prom-client';
import {
  DatabaseGauges,
  openDatabase,
  sql,
  type Queryable,
  type Sample,
} from '../../../pkg/postgres/index.js';
import { balanceOf, exampleMigrations, openAccount } from '../../support/postgres/example.js';
import { startProxy } from '../../support/postgres/proxy.js';
import {
  createTestDatabase,
  testDatabaseConfig,
  type TestDatabase,
} from '../../support/postgres/test-database.js';
import { waitFor } from '../../support/wait-for.js';

const sleep = sql('test.sleep', 'select pg_sleep(60)');
const sessions = sql(
  'test.gauge_sessions',
  `select pid from pg_stat_activity where application_name = 'order-processing-metrics' and datname = current_database()`,
);

describe('DatabaseGauges', () => {
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

  /** Registers a gauge with a label and a gauge without labels. */
  function registerBalance(
    gauges: DatabaseGauges,
    onRead: (db: Queryable) => unknown = () => undefined,
  ): void {
    gauges.register({
      ttlMs: 0,
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

  const completeScrape = ['balance{account="a"} 7', 'balance_sum 7', 'database_up 1'];

  const waitForDatabaseUp = (): Promise<unknown> =>
    waitFor(async () => (await scrape()).includes('database_up 1'), 'sample database_up 1');

  it('exports the values that its query returns, and database_up 1', async () => {
    registerBalance(open());
    await waitForDatabaseUp();
    expect(await scrape()).to.have.members(completeScrape);
  });

  it('omits the series while the database is down and logs one warning', async () => {
    const proxy = await startProxy(database.url);
    registerBalance(open(proxy.url));
    await waitFor(async () => (await scrape()).length === 3, 'complete scrape');
    await proxy.close();
    await waitFor(async () => (await scrape()).includes('database_up 0'), 'sample database_up 0');
    for (let scrapes = 0; scrapes < 3; scrapes += 1) expect(await scrape()).to.deep.equal(['database_up 0']);
    const metricsWarnings = warnings.filter((message) => message.includes('metrics'));
    expect(metricsWarnings).to.deep.equal(['the database cannot be read for metrics']);
  });

  it('exports the series again when a query succeeds, and logs the next failure', async () => {
    let isBroken = true;
    registerBalance(open(), () => {
      if (isBroken) throw new Error('broken');
    });
    await waitForDatabaseUp();
    expect(await scrape()).to.deep.equal(['database_up 1']);
    isBroken = false;
    await waitFor(async () => (await scrape()).length === 3, 'complete scrape');
    expect(await scrape()).to.have.members(completeScrape);
    isBroken = true;
    await waitFor(async () => (await scrape()).length === 1, 'scrape without balances');
    expect(warnings).to.have.length(2);
  });

  it('cancels a slow query on the server', async () => {
    let failure: unknown;
    registerBalance(open(), async (db) => {
      await db.query(sleep()).catch((error: unknown) => {
        failure = error;
        throw error;
      });
    });
    await waitForDatabaseUp();
    await waitFor(() => failure !== undefined, 'cancelled statement');
    expect(await scrape()).to.deep.equal(['database_up 1']);
    expect(failure).to.have.property('reason', 'DEADLINE_EXCEEDED');
  });

  it('exports values while the connection pool of the service is exhausted', async () => {
    const db = await openDatabase(
      { ...testDatabaseConfig(database.url), poolMax: 1 },
      { warn: () => undefined },
    );
    registerBalance(open());
    await db.transaction(async () => {
      await waitFor(async () => (await scrape()).length === 3, 'complete scrape');
      expect(db.stats()).to.include({ total: 1, idle: 0 });
    });
    await db.close();
  });

  it('uses one connection for all queries', async () => {
    const gauges = open();
    registerBalance(gauges);
    gauges.register({
      gauges: { ones: { help: 'One.' } },
      read: async (db) => {
        await db.query(sessions());
        return { ones: [{ value: 1 }] };
      },
    });
    await waitForDatabaseUp();
    await Promise.all([scrape(), scrape(), scrape()]);
    expect(await database.db.query(sessions())).to.have.length(1);
  });
});
