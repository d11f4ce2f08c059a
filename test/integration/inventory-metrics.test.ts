import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { sql } from '../../pkg/postgres/index.js';
import { recentSpans } from '../../pkg/rpc/testing/span-recorder.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { aReserve, lapse, outcomeOf, reserve, stockUp } from './inventory-requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './inventory-server.js';
import { aScraper, type Scraper } from './scrape.js';

const madeAnHourAgo = sql(
  'test.reservation_made_an_hour_ago',
  `update reservations set created_at = now() - interval '1 hour' where id = $1`,
);

describe('the metrics of the inventory', () => {
  let server: TestInventory;
  let client: InventoryClient;
  let scraper: Scraper;

  before(async () => {
    scraper = await aScraper();
    server = await startInventoryForTest({ ...scraper.env, RESERVATION_SWEEP_INTERVAL: '50ms' });
    ({ client } = server);
  });
  after(() => server.close());

  const scrape = (name: string): Promise<string[]> => scraper.lines(`${name}{`);

  it('count what became of reservations, repeats and tombstones aside', async () => {
    await stockUp(client, { latte: 10, mocha: 10 });
    const request = aReserve({ latte: 1, mocha: 1 });
    for (const call of [client.reserveStock, client.reserveStock]) {
      await call(request);
    }
    await client.commitReservation(request);
    await client.commitReservation(request);
    await client.releaseReservation(request);
    await client.releaseReservation({ reservationId: await reserve(client, { latte: 2 }) });
    await client.releaseReservation(aReserve({}));
    expect(await outcomeOf(client.reserveStock(aReserve({ latte: 11, mocha: 1, 'no-such': 1 })))).to.equal(
      'OUT_OF_STOCK',
    );
    await lapse(server.db, await reserve(client, { mocha: 1 }));
    const expired = 'inventory_reservations_total{product="mocha",status="expired"} 1';
    await waitFor(async () => (await scrape('inventory_reservations_total')).includes(expired), 'the expiry');
    expect(await scrape('inventory_reservations_total')).to.have.members([
      'inventory_reservations_total{product="latte",status="reserved"} 2',
      'inventory_reservations_total{product="latte",status="committed"} 1',
      'inventory_reservations_total{product="latte",status="returned"} 1',
      'inventory_reservations_total{product="latte",status="released"} 1',
      'inventory_reservations_total{product="latte",status="refused"} 1',
      'inventory_reservations_total{product="mocha",status="reserved"} 2',
      'inventory_reservations_total{product="mocha",status="committed"} 1',
      'inventory_reservations_total{product="mocha",status="returned"} 1',
      'inventory_reservations_total{product="other",status="refused"} 1',
      expired,
    ]);
  });

  it('show what is available, whoever changed it', async () => {
    const replica = await server.addReplica({ METRICS_PORT: '0' });
    await stockUp(replica, { tea: 10 });
    await reserve(replica, { tea: 4 });
    const wanted = 'current_stock{product="tea"} 6';
    await waitFor(async () => (await scrape('current_stock')).includes(wanted), wanted);
  });
});

describe('the reservations, as metrics', () => {
  let server: TestInventory;
  let scraper: Scraper;

  before(async () => {
    scraper = await aScraper();
    // Nothing is swept unless the test says so.
    server = await startInventoryForTest(scraper.env);
    await stockUp(server.client, { latte: 10 });
  });
  after(() => server.close());

  it('show every state, and how long stock has been held past its time', async () => {
    const { client, db } = server;
    const forgotten = await reserve(client, { latte: 1 });
    await client.commitReservation({ reservationId: await reserve(client, { latte: 1 }) });
    await outcomeOf(client.reserveStock(aReserve({ latte: 11 })));
    await lapse(db, forgotten);
    await db.query(madeAnHourAgo, [forgotten]);
    const overdue = 'inventory_reservations_overdue 1';
    await waitFor(
      async () => (await scraper.lines('inventory_reservations_overdue')).includes(overdue),
      overdue,
    );

    expect(await scraper.lines('inventory_reservations_by_state')).to.deep.equal([
      'inventory_reservations_by_state{state="RESERVED"} 1',
      'inventory_reservations_by_state{state="COMMITTED"} 1',
      'inventory_reservations_by_state{state="RELEASED"} 0',
      'inventory_reservations_by_state{state="RETURNED"} 0',
      'inventory_reservations_by_state{state="EXPIRED"} 0',
      'inventory_reservations_by_state{state="REFUSED"} 1',
    ]);
    const [age] = await scraper.lines('inventory_oldest_reservation_age_seconds');
    expect(Number(age?.split(' ')[1])).to.be.at.least(3600);
    expect(await scraper.lines('database_')).to.include.members(['database_up 1', 'database_pool_max 20']);
  });
});

describe('the sweep for expired reservations', () => {
  let server: TestInventory;

  before(async () => {
    server = await startInventoryForTest({ RESERVATION_SWEEP_INTERVAL: '50ms' });
    await stockUp(server.client, { latte: 10 });
  });
  after(() => server.close());

  it('has a trace of its own when it finds some, and none when it does not', async () => {
    const sweeps = (): ReadableSpan[] =>
      recentSpans().filter(({ name }) => name === 'inventory.expire_reservations');
    const known = new Set(sweeps());
    const { client, db } = server;
    const ids = await Promise.all([1, 2].map(() => reserve(client, { latte: 1 })));
    await lapse(db, ...ids);
    const newSweeps = (): ReadableSpan[] => sweeps().filter((span) => !known.has(span));
    const expired = (): number =>
      newSweeps().reduce((sum, span) => sum + Number(span.attributes['inventory.expired_reservations']), 0);
    await waitFor(() => expired() === 2, 'the sweep');

    for (const span of newSweeps()) expect(span.parentSpanContext).to.equal(undefined);
    expect(newSweeps()).to.have.lengthOf.at.most(2);
  });
});
