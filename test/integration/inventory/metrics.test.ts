import type { ReadableSpan } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { sql } from '../../../pkg/postgres/index.js';
import { recentSpans } from '../../support/rpc/span-recorder.js';
import { waitFor } from '../../support/wait-for.js';
import { aReserve, expire, outcomeOf, reserve, addStock } from './requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './server.js';
import { createScraper, type Scraper } from '../../support/scrape.js';

const backdate = sql(
  'test.backdate_reservation',
  `update reservations set created_at = now() - interval '1 hour' where id = $id`,
);

describe('inventory metrics', () => {
  let server: TestInventory;
  let client: InventoryClient;
  let scraper: Scraper;

  before(async () => {
    scraper = await createScraper();
    server = await startInventoryForTest({ ...scraper.env, RESERVATION_SWEEP_INTERVAL: '50ms' });
    ({ client } = server);
  });
  after(() => server.close());

  const scrape = (name: string): Promise<string[]> => scraper.lines(`${name}{`);

  it('count each reservation change once, but not the release of an unknown reservation', async () => {
    await addStock(client, { latte: 10, mocha: 10 });
    const request = aReserve({ latte: 1, mocha: 1 });
    await client.reserveStock(request);
    await client.reserveStock(request);
    await client.commitReservation(request);
    await client.commitReservation(request);
    await client.releaseReservation(request);
    await client.releaseReservation({ reservationId: await reserve(client, { latte: 2 }) });
    await client.releaseReservation(aReserve({}));
    expect(await outcomeOf(client.reserveStock(aReserve({ latte: 11, mocha: 1, 'no-such': 1 })))).to.equal(
      'OUT_OF_STOCK',
    );
    await expire(server.db, await reserve(client, { mocha: 1 }));
    const expired = 'inventory_reservations_total{product="mocha",status="expired"} 1';
    await waitFor(
      async () => (await scrape('inventory_reservations_total')).includes(expired),
      'expired reservation in the metrics',
    );
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

  it('show the available stock after changes made by another replica', async () => {
    const replica = await server.addReplica({ METRICS_PORT: '0' });
    await addStock(replica, { tea: 10 });
    await reserve(replica, { tea: 4 });
    const expected = 'current_stock{product="tea"} 6';
    await waitFor(async () => (await scrape('current_stock')).includes(expected), expected);
  });
});

describe('reservation gauges', () => {
  let server: TestInventory;
  let scraper: Scraper;

  before(async () => {
    scraper = await createScraper();
    server = await startInventoryForTest(scraper.env);
    await addStock(server.client, { latte: 10 });
  });
  after(() => server.close());

  it('show reservations by state, overdue reservations and the age of the oldest reservation', async () => {
    const { client, db } = server;
    const overdueId = await reserve(client, { latte: 1 });
    await client.commitReservation({ reservationId: await reserve(client, { latte: 1 }) });
    await outcomeOf(client.reserveStock(aReserve({ latte: 11 })));
    await expire(db, overdueId);
    await db.query(backdate({ id: overdueId }));
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

describe('reservation sweeper', () => {
  let server: TestInventory;

  before(async () => {
    server = await startInventoryForTest({ RESERVATION_SWEEP_INTERVAL: '50ms' });
    await addStock(server.client, { latte: 10 });
  });
  after(() => server.close());

  it('opens a trace only when it expires reservations', async () => {
    const sweeps = (): ReadableSpan[] =>
      recentSpans().filter(({ name }) => name === 'inventory.expire_reservations');
    const earlierSweeps = new Set(sweeps());
    const { client, db } = server;
    const ids = await Promise.all([1, 2].map(() => reserve(client, { latte: 1 })));
    await expire(db, ...ids);
    const newSweeps = (): ReadableSpan[] => sweeps().filter((span) => !earlierSweeps.has(span));
    const expiredCount = (): number =>
      newSweeps().reduce((sum, span) => sum + Number(span.attributes['inventory.expired_reservations']), 0);
    await waitFor(() => expiredCount() === 2, 'sweep of both reservations');

    for (const span of newSweeps()) expect(span.parentSpanContext).to.equal(undefined);
    expect(newSweeps()).to.have.lengthOf.at.most(2);
  });
});
