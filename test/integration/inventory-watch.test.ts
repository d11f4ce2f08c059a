import { expect } from 'chai';
import type { StockLevel } from '../../pkg/pb/inventory/v1/inventory.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { anAdjustment, lapse, reserve, stockUp } from './inventory-requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './inventory-server.js';

/** A caller of WatchStock that keeps what it was told. */
class Watcher {
  readonly told: StockLevel[] = [];
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  error: unknown;

  constructor(client: InventoryClient, skus: string[]) {
    this.#done = this.#read(client.watchStock({ skus }, { signal: this.#stop.signal }));
  }

  /** `on hand/reserved` as last told. */
  last(sku: string): string | undefined {
    const level = this.told.findLast((one) => one.sku === sku);
    return level && `${level.onHand}/${level.reserved}`;
  }

  async isTold(sku: string, level: string): Promise<void> {
    await waitFor(() => this.last(sku) === level, `${sku} ${level}, last ${this.last(sku)}`);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #read(answers: AsyncIterable<{ stock?: StockLevel | undefined }>): Promise<void> {
    try {
      for await (const { stock } of answers) if (stock) this.told.push(stock);
    } catch (error) {
      this.error = error;
    }
  }
}

describe('watching stock', () => {
  let server: TestInventory;
  let client: InventoryClient;
  let replica: InventoryClient;

  before(async () => {
    server = await startInventoryForTest({ STOCK_WATCH_LIMIT: '3' });
    ({ client } = server);
    replica = await server.addReplica({ STOCK_WATCH_INTERVAL: '1m' });
  });
  after(() => server.close());

  it('begins with the current levels and goes on with every change, whoever makes it', async () => {
    await stockUp(client, { latte: 10, mocha: 10, tea: 10 });
    const watcher = new Watcher(client, ['mocha', 'latte', 'latte']);
    await watcher.isTold('latte', '10/0');
    await watcher.isTold('mocha', '10/0');
    const reservationId = await reserve(client, { latte: 2, tea: 1 });
    await watcher.isTold('latte', '10/2');
    await replica.commitReservation({ reservationId });
    await watcher.isTold('latte', '8/0');
    await replica.adjustStock(anAdjustment({ sku: 'mocha', delta: 1n }));
    await watcher.isTold('mocha', '11/0');
    expect(watcher.told.map(({ sku }) => sku)).not.to.include('tea');
    await watcher.close();
  });

  it('tells of changes made by the same process without waiting for the next look', async () => {
    await stockUp(client, { quick: 10 });
    // This replica looks once a minute, far longer than the test waits.
    const watcher = new Watcher(replica, ['quick']);
    await watcher.isTold('quick', '10/0');
    await reserve(replica, { quick: 1 });
    await watcher.isTold('quick', '10/1');
    await watcher.close();
  });

  it('tells of a claim that expires, before anybody has swept it', async () => {
    await stockUp(client, { fading: 10 });
    const reservationId = await reserve(client, { fading: 4 });
    const watcher = new Watcher(client, ['fading']);
    await watcher.isTold('fading', '10/4');
    await lapse(server.db, reservationId);
    await watcher.isTold('fading', '10/0');
    await watcher.close();
  });

  it('tells revisions in order and ends with the newest while changes come fast', async () => {
    await stockUp(client, { fast: 1 });
    const watcher = new Watcher(client, ['fast']);
    await watcher.isTold('fast', '1/0');
    await Promise.all(Array.from({ length: 150 }, () => stockUp(client, { fast: 1 })));
    await watcher.isTold('fast', '151/0');
    const revisions = watcher.told.map(({ revision }) => revision);
    expect(revisions).to.deep.equal(revisions.toSorted((a, b) => Number(a - b)));
    expect(new Set(revisions).size).to.equal(revisions.length);
    await watcher.close();
  });

  it('refuses SKUs that were never stocked, and says which', async () => {
    await stockUp(client, { known: 1 });
    const watcher = new Watcher(client, ['known', 'unknown-1', 'unknown-2']);
    await waitFor(() => watcher.error !== undefined, 'the refusal');
    const error = await expectReason(Promise.reject(watcher.error as Error), 'STOCK_NOT_FOUND');
    expect(error.metadata).to.deep.equal({ skus: 'unknown-1,unknown-2' });
    expect(watcher.told).to.deep.equal([]);
  });

  it('is for a limited number of callers; those who leave make room', async () => {
    await stockUp(client, { crowd: 1 });
    const watchers = [1, 2, 3].map(() => new Watcher(client, ['crowd']));
    await Promise.all(watchers.map((watcher) => watcher.isTold('crowd', '1/0')));
    const late = new Watcher(client, ['crowd']);
    await waitFor(() => late.error !== undefined, 'the refusal');
    await expectReason(Promise.reject(late.error as Error), 'OVERLOADED');
    await Promise.all(watchers.map((watcher) => watcher.close()));
    await waitFor(async () => {
      const next = new Watcher(client, ['crowd']);
      await waitFor(() => next.told.length > 0 || next.error !== undefined, 'an answer');
      await next.close();
      return next.told.length > 0;
    }, 'room for another');
  });
});
