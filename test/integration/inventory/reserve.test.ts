import { expect } from 'chai';
import { expectReason } from '../../support/expect-reason.js';
import { sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import {
  aReserve,
  deadlocksIn,
  expectConsistentStock,
  levelsOf,
  outcomesOf,
  reserve,
  seededRandom,
  shuffled,
  stateName,
  stateOf,
  stockOf,
  addStock,
} from './requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './server.js';

const setFingerprint = sql(
  'test.inventory_set_fingerprint',
  'update reservations set fingerprint = $fingerprint where id = $id',
);

describe('ReserveStock', () => {
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

  const clientAt = (index: number): InventoryClient => clients[index % clients.length] ?? client;

  it('reserves every line', async () => {
    await addStock(client, { latte: 10, mocha: 5 });
    const { reservation } = await client.reserveStock(aReserve({ mocha: 5, latte: 3 }));
    expect(stateName(reservation)).to.equal('RESERVED');
    expect(reservation?.items).to.deep.equal([
      { sku: 'latte', quantity: 3n },
      { sku: 'mocha', quantity: 5n },
    ]);
    expect(Number(reservation?.expireTime) - Number(reservation?.createTime)).to.equal(900_000);
    expect(await levelsOf(client, 'latte', 'mocha')).to.deep.equal(['latte 10/3', 'mocha 5/5']);
  });

  it('compares the lines when the stored fingerprint has a later version', async () => {
    await addStock(client, { lungo: 5 });
    const request = aReserve({ lungo: 1 });
    await client.reserveStock(request);
    await server.db.query(setFingerprint({ id: request.reservationId, fingerprint: Buffer.of(2, 1) }));

    const { reservation } = await client.reserveStock(request);
    expect(stateName(reservation)).to.equal('RESERVED');
    const other = { ...request, items: [{ sku: 'lungo', quantity: 2n }] };
    await expectReason(client.reserveStock(other), 'REQUEST_ID_REUSED');
    expect(await levelsOf(client, 'lungo')).to.deep.equal(['lungo 5/1']);
  });

  it('applies the ttl of the request', async () => {
    await addStock(client, { ristretto: 1 });
    const { reservation } = await client.reserveStock(
      aReserve({ ristretto: 1 }, { ttl: { seconds: 90n, nanos: 0 } }),
    );
    expect(Number(reservation?.expireTime) - Number(reservation?.createTime)).to.equal(90_000);
  });

  it('reserves nothing when the stock is too low for a line, and names the SKU of every such line', async () => {
    await addStock(client, { tea: 10, chai: 1 });
    const request = aReserve({ tea: 1, chai: 2, 'never-stocked': 1 });
    const error = await expectReason(client.reserveStock(request), 'OUT_OF_STOCK');
    expect(error.preconditions).to.deep.equal([
      { type: 'STOCK', subject: 'chai', description: '2 wanted, 1 available' },
      { type: 'STOCK', subject: 'never-stocked', description: '1 wanted, never stocked' },
    ]);
    expect(await levelsOf(client, 'tea', 'chai')).to.deep.equal(['chai 1/0', 'tea 10/0']);
    expect(await stateOf(client, request.reservationId)).to.equal('REFUSED');
  });

  it('names the SKUs of 100 lines without stock, also at the maximum length of a SKU', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `${index}-`.padEnd(64, 'x'));
    const request = aReserve(Object.fromEntries(names.map((name) => [name, 1_000_000])));
    const error = await expectReason(client.reserveStock(request), 'OUT_OF_STOCK');
    expect(error.preconditions).to.have.length(100);
  });

  it('repeats the stored rejection, even after the stock has become sufficient', async () => {
    const request = aReserve({ late: 1 });
    const first = await expectReason(client.reserveStock(request), 'OUT_OF_STOCK');
    await addStock(client, { late: 5 });
    const repeated = await expectReason(client.reserveStock(request), 'OUT_OF_STOCK');
    expect(repeated.preconditions).to.deep.equal(first.preconditions);
    expect(await levelsOf(client, 'late')).to.deep.equal(['late 5/0']);
  });

  it('never oversells one SKU to 200 concurrent callers', async () => {
    await addStock(client, { last: 50 });
    const calls = Array.from({ length: 200 }, (_, index) =>
      clientAt(index).reserveStock(aReserve({ last: 1 })),
    );
    expect(await outcomesOf(calls)).to.deep.equal({ OK: 50, OUT_OF_STOCK: 150 });
    expect(await levelsOf(client, 'last')).to.deep.equal(['last 50/50']);
    await expectConsistentStock(client, ['last']);
  });

  it('never oversells when quantities differ', async () => {
    await addStock(client, { mixed: 100 });
    const random = seededRandom(7);
    const requests = Array.from({ length: 150 }, () => aReserve({ mixed: 1 + random(7) }));
    const outcomes = await Promise.all(
      requests.map((request, index) =>
        clientAt(index)
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
    // At least one request of at most 7 units was rejected, so at most 6 units are left.
    expect(sold > 93n && sold <= 100n).to.equal(true);
  });

  it('reserves overlapping lines in random sequence without deadlocks', async () => {
    const random = seededRandom(11);
    const skus = Array.from({ length: 12 }, (_, index) => `part-${index}`);
    await addStock(client, Object.fromEntries(skus.map((sku) => [sku, 60])));
    const calls = Array.from({ length: 200 }, async (_, index) => {
      const items = shuffled(skus, random)
        .slice(0, 2 + random(6))
        .map((sku) => ({ sku, quantity: BigInt(1 + random(3)) }));
      const request = aReserve({}, { items });
      await clientAt(index).reserveStock(request);
      if (index % 3 === 0) await clientAt(index + 1).commitReservation(request);
      if (index % 4 === 0) await clientAt(index + 2).releaseReservation(request);
    });
    const outcomes = await outcomesOf(calls);
    expect(outcomes['OK']).to.be.greaterThan(0);
    expect(outcomes['OUT_OF_STOCK']).to.be.greaterThan(0);
    expect(Object.keys(outcomes)).to.have.members(['OK', 'OUT_OF_STOCK']);
    await expectConsistentStock(client, skus);
    expect(await deadlocksIn(server.db)).to.equal(0n);
  });

  it('applies concurrent equal requests once', async () => {
    await addStock(client, { once: 100 });
    const request = aReserve({ once: 3 });
    const responses = await Promise.all(
      Array.from({ length: 60 }, (_, index) => clientAt(index).reserveStock(request)),
    );
    for (const response of responses) expect(response).to.deep.equal(responses[0]);
    expect(await levelsOf(client, 'once')).to.deep.equal(['once 100/3']);
  });

  it('rejects all concurrent equal requests when the stock is short', async () => {
    await addStock(client, { scarce: 1 });
    const request = aReserve({ scarce: 2 });
    const calls = Array.from({ length: 60 }, (_, index) => clientAt(index).reserveStock(request));
    expect(await outcomesOf(calls)).to.deep.equal({ OUT_OF_STOCK: 60 });
    expect(await levelsOf(client, 'scarce')).to.deep.equal(['scarce 1/0']);
  });

  it('applies one of two different concurrent requests with the same id', async () => {
    const reservationId = uuidv7();
    await addStock(client, { one: 100, other: 100 });
    const calls = Array.from({ length: 60 }, (_, index) => {
      const units = index % 2 === 0 ? { one: 3, other: 1 } : { other: 3, one: 1 };
      return clientAt(index).reserveStock(aReserve(units, { reservationId }));
    });
    expect(await outcomesOf(calls)).to.deep.equal({ OK: 30, REQUEST_ID_REUSED: 30 });
    expect(['one 100/3 other 100/1', 'one 100/1 other 100/3']).to.include(
      (await levelsOf(client, 'one', 'other')).join(' '),
    );
  });

  it('treats a request with reordered and split lines, but not with another ttl, as the same request', async () => {
    await addStock(client, { same: 10, too: 10 });
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

  it('rejects a reservation whose id was already released', async () => {
    await addStock(client, { tomb: 5 });
    const request = aReserve({ tomb: 1 });
    const { reservation } = await client.releaseReservation(request);
    expect(reservation).to.deep.include({ items: [], expireTime: undefined });
    expect(stateName(reservation)).to.equal('RELEASED');
    const calls = Array.from({ length: 20 }, (_, index) => clientAt(index).reserveStock(request));
    expect(await outcomesOf(calls)).to.deep.equal({ RESERVATION_RELEASED: 20 });
    await expectReason(client.commitReservation(request), 'RESERVATION_RELEASED');
    expect(await levelsOf(client, 'tomb')).to.deep.equal(['tomb 5/0']);
  });

  it('does not wait for a lock on another SKU', async () => {
    await addStock(client, { busy: 1, idle: 1 });
    const lockBusy = sql('test.lock_busy', `select sku from stock where sku = 'busy' for update`);
    await server.db.transaction(async (tx) => {
      await tx.query(lockBusy());
      await reserve(client, { idle: 1 });
    });
    expect(await levelsOf(client, 'busy', 'idle')).to.deep.equal(['busy 1/0', 'idle 1/1']);
  });
});
