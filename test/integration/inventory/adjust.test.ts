import { expect } from 'chai';
import { sql } from '../../../pkg/postgres/index.js';
import { expectReason } from '../../support/expect-reason.js';
import {
  anAdjustment,
  expectConsistentStock,
  levelsOf,
  outcomesOf,
  reserve,
  stockOf,
  addStock,
} from './requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './server.js';

describe('AdjustStock', () => {
  let server: TestInventory;
  let client: InventoryClient;
  let clients: InventoryClient[];

  before(async () => {
    server = await startInventoryForTest();
    ({ client } = server);
    clients = [client, await server.addReplica(), ...server.clients(4)];
  });
  after(() => server.close());

  const clientAt = (index: number): InventoryClient => clients[index % clients.length] ?? client;

  it('creates the stock of a SKU, changes the stock, and records both movements', async () => {
    const { stock } = await client.adjustStock(anAdjustment({ sku: 'new', delta: 7n }));
    expect(stock).to.include({ sku: 'new', onHand: 7n, reserved: 0n, available: 7n, revision: 1n });
    const later = await client.adjustStock(anAdjustment({ sku: 'new', delta: -2n }));
    expect(later.stock).to.include({ onHand: 5n, revision: 2n });
    expect((await stockOf(client, 'new')).audit).to.include({ movementsSum: 5n });
  });

  it('rejects a negative first adjustment', async () => {
    const reduction = anAdjustment({ requestId: 'loss', sku: 'unknown', delta: -1n });
    const error = await expectReason(client.adjustStock(reduction), 'STOCK_NOT_FOUND');
    expect(error.metadata).to.deep.equal({ skus: 'unknown' });
    await expectReason(client.getStock({ sku: 'unknown', view: 1 }), 'STOCK_NOT_FOUND');
  });

  it('rejects a reduction below the reserved units', async () => {
    await addStock(client, { booked: 10 });
    await reserve(client, { booked: 6 });
    const error = await expectReason(
      client.adjustStock(anAdjustment({ sku: 'booked', delta: -5n })),
      'STOCK_BELOW_RESERVED',
    );
    expect(error.preconditions).to.deep.equal([
      { type: 'STOCK', subject: 'booked', description: '6 are reserved' },
    ]);
    await client.adjustStock(anAdjustment({ sku: 'booked', delta: -4n }));
    expect(await levelsOf(client, 'booked')).to.deep.equal(['booked 6/6']);
    await expectConsistentStock(client, ['booked']);
  });

  it('applies concurrent equal requests once, with equal responses', async () => {
    const request = anAdjustment({ requestId: 'delivery-1', sku: 'once', delta: 5n });
    const responses = await Promise.all(
      Array.from({ length: 40 }, (_, index) => clientAt(index).adjustStock(request)),
    );
    for (const response of responses) expect(response).to.deep.equal(responses[0]);
    await client.adjustStock(anAdjustment({ sku: 'once', delta: 1n }));
    expect(await client.adjustStock(request)).to.deep.equal(responses[0]);
    expect(await levelsOf(client, 'once')).to.deep.equal(['once 6/0']);
  });

  it('applies each of many equal requests without a request id', async () => {
    const calls = Array.from({ length: 40 }, (_, index) =>
      clientAt(index).adjustStock(anAdjustment({ sku: 'often', delta: 2n })),
    );
    expect(await outcomesOf(calls)).to.deep.equal({ OK: 40 });
    expect(await levelsOf(client, 'often')).to.deep.equal(['often 80/0']);
    await expectConsistentStock(client, ['often']);
  });

  it('rejects a request id that was used for another request', async () => {
    const request = anAdjustment({ requestId: 'reused', sku: 'reused' });
    await client.adjustStock(request);
    for (const change of [{ sku: 'other' }, { delta: 11n }, { reason: 'another' }]) {
      await expectReason(client.adjustStock({ ...request, ...change }), 'REQUEST_ID_REUSED');
    }
    expect(await levelsOf(client, 'reused')).to.deep.equal(['reused 10/0']);
  });

  it('repeats the stored rejection of a request id, even after the stock has become sufficient', async () => {
    const reduction = anAdjustment({ requestId: 'too-early', sku: 'short', delta: -5n });
    await addStock(client, { short: 1 });
    const first = await expectReason(client.adjustStock(reduction), 'STOCK_BELOW_RESERVED');
    await addStock(client, { short: 10 });
    const repeated = await expectReason(client.adjustStock(reduction), 'STOCK_BELOW_RESERVED');
    expect(repeated.metadata).to.deep.equal(first.metadata);
    expect(await levelsOf(client, 'short')).to.deep.equal(['short 11/0']);
  });

  it('never makes the available stock negative when reductions and reservations run concurrently', async () => {
    await addStock(client, { race: 30 });
    const calls = Array.from({ length: 120 }, (_, index) =>
      index % 2 === 0
        ? clientAt(index).adjustStock(anAdjustment({ sku: 'race', delta: -1n }))
        : reserve(clientAt(index), { race: 1 }),
    );
    const outcomes = await outcomesOf(calls);
    expect(outcomes['OK']).to.equal(30);
    expect(Object.keys(outcomes)).to.have.members(['OK', 'STOCK_BELOW_RESERVED', 'OUT_OF_STOCK']);
    expect((await stockOf(client, 'race')).available).to.equal(0n);
    await expectConsistentStock(client, ['race']);
  });

  it('rejects an adjustment that raises on_hand above the largest safe integer, but accepts a release that does so', async () => {
    await addStock(client, { vast: 1 });
    const raise = 9_007_199_254_740_990n;
    const raiseStock = sql('test.raise', `update stock set on_hand = on_hand + $delta where sku = 'vast'`);
    const insertMovement = sql(
      'test.record',
      `insert into stock_movements (sku, delta, kind) values ('vast', $delta, 'ADJUST')`,
    );
    await server.db.query(raiseStock({ delta: raise }));
    await server.db.query(insertMovement({ delta: raise }));
    const error = await expectReason(
      client.adjustStock(anAdjustment({ sku: 'vast', delta: 1n })),
      'VALIDATION_FAILED',
    );
    expect(error.fields.map(({ field }) => field)).to.deep.equal(['delta']);
    const reservationId = await reserve(client, { vast: 5 });
    await client.commitReservation({ reservationId });
    await client.adjustStock(anAdjustment({ sku: 'vast', delta: 5n }));
    await client.releaseReservation({ reservationId });
    await expectConsistentStock(client, ['vast']);
  });
});
