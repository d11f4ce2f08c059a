import { expect } from 'chai';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import {
  aReserve,
  deadlocksIn,
  expectSoundBooks,
  levelsOf,
  outcomesOf,
  reserve,
  seededRandom,
  shuffled,
  stateName,
  stateOf,
  stockOf,
  stockUp,
} from './inventory-requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './inventory-server.js';

describe('reserving stock', () => {
  let server: TestInventory;
  let client: InventoryClient;
  let clients: InventoryClient[];

  before(async () => {
    server = await startInventoryForTest({ DATABASE_POOL_MAX: '30' });
    ({ client } = server);
    const replica = await server.addReplica();
    clients = [client, replica, ...server.clients(6)];
  });
  after(() => server.close());

  const spread = (index: number): InventoryClient => clients[index % clients.length] ?? client;

  it('claims every line', async () => {
    await stockUp(client, { latte: 10, mocha: 5 });
    const { reservation } = await client.reserveStock(aReserve({ mocha: 5, latte: 3 }));
    expect(stateName(reservation)).to.equal('RESERVED');
    expect(reservation?.items).to.deep.equal([
      { sku: 'latte', quantity: 3n },
      { sku: 'mocha', quantity: 5n },
    ]);
    expect(Number(reservation?.expireTime) - Number(reservation?.createTime)).to.equal(900_000);
    expect(await levelsOf(client, 'latte', 'mocha')).to.deep.equal(['latte 10/3', 'mocha 5/5']);
  });

  it('holds as long as the caller wants', async () => {
    await stockUp(client, { ristretto: 1 });
    const { reservation } = await client.reserveStock(
      aReserve({ ristretto: 1 }, { ttl: { seconds: 90n, nanos: 0 } }),
    );
    expect(Number(reservation?.expireTime) - Number(reservation?.createTime)).to.equal(90_000);
  });

  it('claims nothing when one line is short, and names what is', async () => {
    await stockUp(client, { tea: 10, chai: 1 });
    const request = aReserve({ tea: 1, chai: 2, 'never-stocked': 1 });
    const error = await expectReason(client.reserveStock(request), 'OUT_OF_STOCK');
    expect(error.preconditions).to.deep.equal([
      { type: 'STOCK', subject: 'chai', description: '2 wanted, 1 available' },
      { type: 'STOCK', subject: 'never-stocked', description: '1 wanted, never stocked' },
    ]);
    expect(await levelsOf(client, 'tea', 'chai')).to.deep.equal(['chai 1/0', 'tea 10/0']);
    expect(await stateOf(client, request.reservationId)).to.equal('REFUSED');
  });

  it('names a hundred short lines with the longest names', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `${index}-`.padEnd(64, 'x'));
    const request = aReserve(Object.fromEntries(names.map((name) => [name, 1_000_000])));
    const error = await expectReason(client.reserveStock(request), 'OUT_OF_STOCK');
    expect(error.preconditions).to.have.length(100);
  });

  it('stays refused, also when there is stock again', async () => {
    const request = aReserve({ late: 1 });
    const first = await expectReason(client.reserveStock(request), 'OUT_OF_STOCK');
    await stockUp(client, { late: 5 });
    const again = await expectReason(client.reserveStock(request), 'OUT_OF_STOCK');
    expect(again.preconditions).to.deep.equal(first.preconditions);
    expect(await levelsOf(client, 'late')).to.deep.equal(['late 5/0']);
  });

  it('never oversells one SKU to 200 buyers at once', async () => {
    await stockUp(client, { last: 50 });
    const calls = Array.from({ length: 200 }, (_, index) =>
      spread(index).reserveStock(aReserve({ last: 1 })),
    );
    expect(await outcomesOf(calls)).to.deep.equal({ OK: 50, OUT_OF_STOCK: 150 });
    expect(await levelsOf(client, 'last')).to.deep.equal(['last 50/50']);
    await expectSoundBooks(client, ['last']);
  });

  it('never oversells when quantities differ', async () => {
    await stockUp(client, { mixed: 100 });
    const random = seededRandom(7);
    const requests = Array.from({ length: 150 }, () => aReserve({ mixed: 1 + random(7) }));
    const outcomes = await Promise.all(
      requests.map((request, index) =>
        spread(index)
          .reserveStock(request)
          .then(
            () => request.items[0]?.quantity ?? 0n,
            () => 0n,
          ),
      ),
    );
    const sold = outcomes.reduce((sum, quantity) => sum + quantity, 0n);
    const { reserved } = await stockOf(client, 'mixed');
    expect(reserved).to.equal(sold);
    // Whatever is left was too little for somebody.
    expect(sold > 93n && sold <= 100n).to.equal(true);
  });

  it('lets overlapping orders through in whatever order their lines come', async () => {
    const random = seededRandom(11);
    const skus = Array.from({ length: 12 }, (_, index) => `part-${index}`);
    await stockUp(client, Object.fromEntries(skus.map((sku) => [sku, 60])));
    const calls = Array.from({ length: 200 }, async (_, index) => {
      const items = shuffled(skus, random)
        .slice(0, 2 + random(6))
        .map((sku) => ({ sku, quantity: BigInt(1 + random(3)) }));
      const request = aReserve({}, { items });
      await spread(index).reserveStock(request);
      if (index % 3 === 0) await spread(index + 1).commitReservation(request);
      if (index % 4 === 0) await spread(index + 2).releaseReservation(request);
    });
    const outcomes = await outcomesOf(calls);
    expect(outcomes['OK']).to.be.greaterThan(0);
    expect(outcomes['OUT_OF_STOCK']).to.be.greaterThan(0);
    expect(Object.keys(outcomes)).to.have.members(['OK', 'OUT_OF_STOCK']);
    await expectSoundBooks(client, skus);
    expect(await deadlocksIn(server.db)).to.equal(0n);
  });

  it('has one effect when equal requests race', async () => {
    await stockUp(client, { once: 100 });
    const request = aReserve({ once: 3 });
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) => spread(index).reserveStock(request)),
    );
    for (const answer of answers) expect(answer).to.deep.equal(answers[0]);
    expect(await levelsOf(client, 'once')).to.deep.equal(['once 100/3']);
  });

  it('has no effect when equal requests race for what is not there', async () => {
    await stockUp(client, { scarce: 1 });
    const request = aReserve({ scarce: 2 });
    const calls = Array.from({ length: 60 }, (_, index) => spread(index).reserveStock(request));
    expect(await outcomesOf(calls)).to.deep.equal({ OUT_OF_STOCK: 60 });
    expect(await levelsOf(client, 'scarce')).to.deep.equal(['scarce 1/0']);
  });

  it('has the effect of one when unequal requests race for an id', async () => {
    const reservationId = uuidv7();
    await stockUp(client, { one: 100, other: 100 });
    const calls = Array.from({ length: 60 }, (_, index) => {
      const units = index % 2 === 0 ? { one: 3, other: 1 } : { other: 3, one: 1 };
      return spread(index).reserveStock(aReserve(units, { reservationId }));
    });
    expect(await outcomesOf(calls)).to.deep.equal({ OK: 30, REQUEST_ID_REUSED: 30 });
    expect(['one 100/3 other 100/1', 'one 100/1 other 100/3']).to.include(
      (await levelsOf(client, 'one', 'other')).join(' '),
    );
  });

  it('takes the same lines in another order, or split, for the same request', async () => {
    await stockUp(client, { same: 10, too: 10 });
    const request = aReserve({ same: 3, too: 1 });
    await client.reserveStock(request);
    const items = [
      { sku: 'too', quantity: 1n },
      { sku: 'same', quantity: 1n },
      { sku: 'same', quantity: 2n },
    ];
    await client.reserveStock({ ...request, items });
    const ttl = { seconds: 60n, nanos: 0 };
    await expectReason(client.reserveStock({ ...request, ttl }), 'REQUEST_ID_REUSED');
    expect(await levelsOf(client, 'same', 'too')).to.deep.equal(['same 10/3', 'too 10/1']);
  });

  it('is refused after a release that came first', async () => {
    await stockUp(client, { tomb: 5 });
    const request = aReserve({ tomb: 1 });
    const { reservation } = await client.releaseReservation(request);
    expect(reservation).to.deep.include({ items: [], expireTime: undefined });
    expect(stateName(reservation)).to.equal('RELEASED');
    const calls = Array.from({ length: 20 }, (_, index) => spread(index).reserveStock(request));
    expect(await outcomesOf(calls)).to.deep.equal({ RESERVATION_RELEASED: 20 });
    await expectReason(client.commitReservation(request), 'RESERVATION_RELEASED');
    expect(await levelsOf(client, 'tomb')).to.deep.equal(['tomb 5/0']);
  });

  it('of one SKU does not wait for another', async () => {
    await stockUp(client, { busy: 1, idle: 1 });
    const { db } = server;
    await db.transaction(async (tx) => {
      await tx.query({ name: 'test.hold', text: `select sku from stock where sku = 'busy' for update` });
      await reserve(client, { idle: 1 });
    });
    expect(await levelsOf(client, 'busy', 'idle')).to.deep.equal(['busy 1/0', 'idle 1/1']);
  });
});
