import { expect } from 'chai';
import type { StockLevel } from '../../../pkg/pb/inventory/v1/inventory.js';
import { expectReason } from '../../support/expect-reason.js';
import { waitFor } from '../../support/wait-for.js';
import { anAdjustment, expire, reserve, addStock } from './requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './server.js';

/** A caller of WatchStock that records the levels it receives. */
class Watcher {
  readonly received: StockLevel[] = [];
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  error: unknown;

  constructor(client: InventoryClient, skus: string[]) {
    this.#done = this.#read(client.watchStock({ skus }, { signal: this.#stop.signal }));
  }

  /** Last received level of the SKU as `onHand/reserved`. */
  last(sku: string): string | undefined {
    const level = this.received.findLast((received) => received.sku === sku);
    return level && `${level.onHand}/${level.reserved}`;
  }

  async waitForLevel(sku: string, level: string): Promise<void> {
    await waitFor(() => this.last(sku) === level, `level ${level} of ${sku}`);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #read(responses: AsyncIterable<{ stock?: StockLevel | undefined }>): Promise<void> {
    try {
      for await (const { stock } of responses) if (stock) this.received.push(stock);
    } catch (error) {
      this.error = error;
    }
  }
}

describe('WatchStock', () => {
  let server: TestInventory;
  let client: InventoryClient;
  let replica: InventoryClient;

  before(async () => {
    server = await startInventoryForTest({ STOCK_WATCH_LIMIT: '3' });
    ({ client } = server);
    replica = await server.addReplica({ STOCK_WATCH_INTERVAL: '1m' });
  });
  after(() => server.close());

  it('sends the current levels, then changes made by any replica', async () => {
    await addStock(client, { latte: 10, mocha: 10, tea: 10 });
    const watcher = new Watcher(client, ['mocha', 'latte', 'latte']);
    await watcher.waitForLevel('latte', '10/0');
    await watcher.waitForLevel('mocha', '10/0');
    const reservationId = await reserve(client, { latte: 2, tea: 1 });
    await watcher.waitForLevel('latte', '10/2');
    await replica.commitReservation({ reservationId });
    await watcher.waitForLevel('latte', '8/0');
    await replica.adjustStock(anAdjustment({ sku: 'mocha', delta: 1n }));
    await watcher.waitForLevel('mocha', '11/0');
    expect(watcher.received.map(({ sku }) => sku)).not.to.include('tea');
    await watcher.close();
  });

  it('sends changes made by the same process before the next poll', async () => {
    await addStock(client, { quick: 10 });
    // The replica polls once a minute, so the test would time out before the next poll.
    const watcher = new Watcher(replica, ['quick']);
    await watcher.waitForLevel('quick', '10/0');
    await reserve(replica, { quick: 1 });
    await watcher.waitForLevel('quick', '10/1');
    await watcher.close();
  });

  it('sends the expiry of a reservation before the sweep', async () => {
    await addStock(client, { fading: 10 });
    const reservationId = await reserve(client, { fading: 4 });
    const watcher = new Watcher(client, ['fading']);
    await watcher.waitForLevel('fading', '10/4');
    await expire(server.db, reservationId);
    await watcher.waitForLevel('fading', '10/0');
    await watcher.close();
  });

  it('sends increasing revisions during frequent changes, and the newest revision last', async () => {
    await addStock(client, { fast: 1 });
    const watcher = new Watcher(client, ['fast']);
    await watcher.waitForLevel('fast', '1/0');
    await Promise.all(Array.from({ length: 150 }, () => addStock(client, { fast: 1 })));
    await watcher.waitForLevel('fast', '151/0');
    const revisions = watcher.received.map(({ revision }) => revision);
    expect(revisions).to.deep.equal(revisions.toSorted((a, b) => Number(a - b)));
    expect(new Set(revisions).size).to.equal(revisions.length);
    await watcher.close();
  });

  it('rejects and names SKUs that were never stocked', async () => {
    await addStock(client, { known: 1 });
    const watcher = new Watcher(client, ['known', 'unknown-1', 'unknown-2']);
    await waitFor(() => watcher.error !== undefined, 'error of the watcher');
    const error = await expectReason(Promise.reject(watcher.error as Error), 'STOCK_NOT_FOUND');
    expect(error.metadata).to.deep.equal({ skus: 'unknown-1,unknown-2' });
    expect(watcher.received).to.deep.equal([]);
  });

  it('limits concurrent callers, and accepts a new caller when another caller leaves', async () => {
    await addStock(client, { crowd: 1 });
    const watchers = [1, 2, 3].map(() => new Watcher(client, ['crowd']));
    await Promise.all(watchers.map((watcher) => watcher.waitForLevel('crowd', '1/0')));
    const rejectedWatcher = new Watcher(client, ['crowd']);
    await waitFor(() => rejectedWatcher.error !== undefined, 'error of the watcher');
    await expectReason(Promise.reject(rejectedWatcher.error as Error), 'OVERLOADED');
    await Promise.all(watchers.map((watcher) => watcher.close()));
    await waitFor(async () => {
      const nextWatcher = new Watcher(client, ['crowd']);
      await waitFor(
        () => nextWatcher.received.length > 0 || nextWatcher.error !== undefined,
        'response to the watcher',
      );
      await nextWatcher.close();
      return nextWatcher.received.length > 0;
    }, 'accepted watcher');
  });
});
