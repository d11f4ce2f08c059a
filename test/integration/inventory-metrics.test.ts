import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { aReserve, lapse, outcomeOf, reserve, stockUp } from './inventory-requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './inventory-server.js';

describe('the metrics of the inventory', () => {
  let server: TestInventory;
  let client: InventoryClient;
  let url: string;

  before(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}/metrics`;
    server = await startInventoryForTest({ METRICS_PORT: String(port), RESERVATION_SWEEP_INTERVAL: '50ms' });
    ({ client } = server);
  });
  after(() => server.close());

  async function scrape(prefix: string): Promise<string[]> {
    const text = await (await fetch(url)).text();
    return text.split('\n').filter((line) => line.startsWith(`${prefix}{`));
  }

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

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
