import { expect } from 'chai';
import { sql } from '../../pkg/postgres/index.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import {
  anAdjustment,
  expectSoundBooks,
  levelsOf,
  outcomesOf,
  reserve,
  stockOf,
  stockUp,
} from './inventory-requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './inventory-server.js';

describe('adjusting stock', () => {
  let server: TestInventory;
  let client: InventoryClient;
  let clients: InventoryClient[];

  before(async () => {
    server = await startInventoryForTest();
    ({ client } = server);
    clients = [client, await server.addReplica(), ...server.clients(4)];
  });
  after(() => server.close());

  const spread = (index: number): InventoryClient => clients[index % clients.length] ?? client;

  it('creates a SKU, then changes it, with a movement each time', async () => {
    const { stock } = await client.adjustStock(anAdjustment({ sku: 'new', delta: 7n }));
    expect(stock).to.include({ sku: 'new', onHand: 7n, reserved: 0n, available: 7n, revision: 1n });
    const later = await client.adjustStock(anAdjustment({ sku: 'new', delta: -2n }));
    expect(later.stock).to.include({ onHand: 5n, revision: 2n });
    expect((await stockOf(client, 'new')).audit).to.include({ movementsSum: 5n });
  });

  it('does not begin with a loss', async () => {
    const loss = anAdjustment({ requestId: 'loss', sku: 'unheard-of', delta: -1n });
    const error = await expectReason(client.adjustStock(loss), 'STOCK_NOT_FOUND');
    expect(error.metadata).to.deep.equal({ skus: 'unheard-of' });
    await expectReason(client.getStock({ sku: 'unheard-of', view: 1 }), 'STOCK_NOT_FOUND');
  });

  it('never takes what is reserved', async () => {
    await stockUp(client, { held: 10 });
    await reserve(client, { held: 6 });
    const error = await expectReason(
      client.adjustStock(anAdjustment({ sku: 'held', delta: -5n })),
      'STOCK_BELOW_RESERVED',
    );
    expect(error.preconditions).to.deep.equal([
      { type: 'STOCK', subject: 'held', description: '6 are reserved' },
    ]);
    await client.adjustStock(anAdjustment({ sku: 'held', delta: -4n }));
    expect(await levelsOf(client, 'held')).to.deep.equal(['held 6/6']);
    await expectSoundBooks(client, ['held']);
  });

  it('happens once when equal requests race, with equal answers', async () => {
    const request = anAdjustment({ requestId: 'delivery-1', sku: 'once', delta: 5n });
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => spread(index).adjustStock(request)),
    );
    for (const answer of answers) expect(answer).to.deep.equal(answers[0]);
    await client.adjustStock(anAdjustment({ sku: 'once', delta: 1n }));
    expect(await client.adjustStock(request)).to.deep.equal(answers[0]);
    expect(await levelsOf(client, 'once')).to.deep.equal(['once 6/0']);
  });

  it('happens every time without a request id', async () => {
    const calls = Array.from({ length: 40 }, (_, index) =>
      spread(index).adjustStock(anAdjustment({ sku: 'often', delta: 2n })),
    );
    expect(await outcomesOf(calls)).to.deep.equal({ OK: 40 });
    expect(await levelsOf(client, 'often')).to.deep.equal(['often 80/0']);
    await expectSoundBooks(client, ['often']);
  });

  it('refuses a request id that was used for something else', async () => {
    const request = anAdjustment({ requestId: 'reused', sku: 'reused' });
    await client.adjustStock(request);
    for (const other of [{ sku: 'other' }, { delta: 11n }, { reason: 'another' }]) {
      await expectReason(client.adjustStock({ ...request, ...other }), 'REQUEST_ID_REUSED');
    }
    expect(await levelsOf(client, 'reused')).to.deep.equal(['reused 10/0']);
  });

  it('stays refused under the same request id, also when it could be done by now', async () => {
    const loss = anAdjustment({ requestId: 'too-early', sku: 'short', delta: -5n });
    await stockUp(client, { short: 1 });
    const first = await expectReason(client.adjustStock(loss), 'STOCK_BELOW_RESERVED');
    await stockUp(client, { short: 10 });
    const again = await expectReason(client.adjustStock(loss), 'STOCK_BELOW_RESERVED');
    expect(again.metadata).to.deep.equal(first.metadata);
    expect(await levelsOf(client, 'short')).to.deep.equal(['short 11/0']);
  });

  it('never goes below zero when losses race with each other and with claims', async () => {
    await stockUp(client, { race: 30 });
    const calls = Array.from({ length: 120 }, (_, index) =>
      index % 2 === 0
        ? spread(index).adjustStock(anAdjustment({ sku: 'race', delta: -1n }))
        : reserve(spread(index), { race: 1 }),
    );
    const outcomes = await outcomesOf(calls);
    expect(outcomes['OK']).to.equal(30);
    expect(Object.keys(outcomes)).to.have.members(['OK', 'STOCK_BELOW_RESERVED', 'OUT_OF_STOCK']);
    expect((await stockOf(client, 'race')).available).to.equal(0n);
    await expectSoundBooks(client, ['race']);
  });

  it('refuses to count higher than a double can', async () => {
    await stockUp(client, { vast: 1 });
    const raise = 9_007_199_254_740_990n;
    await server.db.query(sql('test.raise', `update stock set on_hand = on_hand + $1 where sku = 'vast'`), [
      raise,
    ]);
    const insert = `insert into stock_movements (sku, delta, kind) values ('vast', $1, 'ADJUST')`;
    await server.db.query(sql('test.record', insert), [raise]);
    const error = await expectReason(
      client.adjustStock(anAdjustment({ sku: 'vast', delta: 1n })),
      'VALIDATION_FAILED',
    );
    expect(error.fields.map(({ field }) => field)).to.deep.equal(['delta']);
    const reservationId = await reserve(client, { vast: 5 });
    await client.commitReservation({ reservationId });
    await client.adjustStock(anAdjustment({ sku: 'vast', delta: 5n }));
    await client.releaseReservation({ reservationId });
    await expectSoundBooks(client, ['vast']);
  });
});
