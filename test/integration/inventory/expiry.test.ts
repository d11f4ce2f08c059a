import { expect } from 'chai';
import { expectReason } from '../../support/expect-reason.js';
import { waitFor } from '../../support/wait-for.js';
import {
  anAdjustment,
  aReserve,
  expectConsistentStock,
  expire,
  levelsOf,
  outcomesOf,
  reserve,
  stateName,
  stateOf,
  stockOf,
  addStock,
  storedStatesOf,
} from './requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './server.js';

describe('an expired reservation before the sweep', () => {
  let server: TestInventory;
  let client: InventoryClient;

  before(async () => {
    server = await startInventoryForTest();
    ({ client } = server);
  });
  after(() => server.close());

  const reserveExpired = async (units: Record<string, number>): Promise<string> => {
    const id = await reserve(client, units);
    await expire(server.db, id);
    return id;
  };

  it('is EXPIRED from its expiry time on', async () => {
    await addStock(client, { quick: 1 });
    const request = aReserve({ quick: 1 }, { ttl: { seconds: 1n, nanos: 0 } });
    await client.reserveStock(request);
    await waitFor(
      async () => (await stateOf(client, request.reservationId)) === 'EXPIRED',
      'expired reservation',
    );
    expect(await levelsOf(client, 'quick')).to.deep.equal(['quick 1/0']);
    expect(await storedStatesOf(server.db, request.reservationId)).to.deep.equal(['RESERVED']);
  });

  it('does not count as reserved in GetStock, BatchGetStock and ListStock', async () => {
    await addStock(client, { latte: 10, mocha: 10 });
    const reservationId = await reserveExpired({ latte: 3, mocha: 2 });
    await reserve(client, { latte: 1 });
    expect(await stateOf(client, reservationId)).to.equal('EXPIRED');
    expect(await levelsOf(client, 'latte', 'mocha')).to.deep.equal(['latte 10/1', 'mocha 10/0']);
    const { stock } = await client.getStock({ sku: 'latte', view: 1 });
    expect(stock).to.include({ reserved: 1n, available: 9n });
    const { stock: listed } = await client.listStock({ pageSize: 0, pageToken: '' });
    expect(listed.find(({ sku }) => sku === 'latte')).to.include({ reserved: 1n, available: 9n });
    await expectConsistentStock(client, ['latte', 'mocha']);
    expect(await storedStatesOf(server.db, reservationId)).to.deep.equal(['RESERVED']);
  });

  it('does not block another reservation', async () => {
    await addStock(client, { tea: 5, milk: 5 });
    const ids = [await reserveExpired({ tea: 3, milk: 5 }), await reserveExpired({ tea: 2 })];
    await reserve(client, { tea: 5, milk: 1 });
    expect(await levelsOf(client, 'tea', 'milk')).to.deep.equal(['milk 5/1', 'tea 5/5']);
    expect(await storedStatesOf(server.db, ...ids)).to.deep.equal(['EXPIRED', 'EXPIRED']);
    await expectConsistentStock(client, ['tea', 'milk']);
  });

  it('does not block many concurrent reservations', async () => {
    await addStock(client, { rush: 40 });
    const ids = await Promise.all(Array.from({ length: 40 }, () => reserve(client, { rush: 1 })));
    await expire(server.db, ...ids);
    const clients = server.clients(4);
    const calls = Array.from({ length: 80 }, (_, index) =>
      (clients[index % 4] ?? client).reserveStock(aReserve({ rush: 1 })),
    );
    expect(await outcomesOf(calls)).to.deep.equal({ OK: 40, OUT_OF_STOCK: 40 });
    expect(await levelsOf(client, 'rush')).to.deep.equal(['rush 40/40']);
    await expectConsistentStock(client, ['rush']);
  });

  it('does not reduce the available stock that the rejection of a larger reservation reports', async () => {
    await addStock(client, { small: 5 });
    await reserveExpired({ small: 3 });
    const error = await expectReason(client.reserveStock(aReserve({ small: 6 })), 'OUT_OF_STOCK');
    expect(error.preconditions).to.deep.equal([
      { type: 'STOCK', subject: 'small', description: '6 wanted, 5 available' },
    ]);
  });

  it('does not block a reduction of the stock', async () => {
    await addStock(client, { loss: 5 });
    await reserveExpired({ loss: 4 });
    await client.adjustStock(anAdjustment({ sku: 'loss', delta: -5n }));
    expect(await levelsOf(client, 'loss')).to.deep.equal(['loss 0/0']);
    await expectConsistentStock(client, ['loss']);
  });

  it('can be released', async () => {
    await addStock(client, { back: 5 });
    const reservationId = await reserveExpired({ back: 4 });
    const { reservation } = await client.releaseReservation({ reservationId });
    expect(stateName(reservation)).to.equal('RELEASED');
    await expectConsistentStock(client, ['back']);
    expect((await stockOf(client, 'back')).available).to.equal(5n);
  });

  it('can be committed', async () => {
    await addStock(client, { there: 5 });
    const reservationId = await reserveExpired({ there: 4 });
    await client.commitReservation({ reservationId });
    expect(await levelsOf(client, 'there')).to.deep.equal(['there 1/0']);
    await expectConsistentStock(client, ['there']);
  });
});

describe('an expired reservation after the sweep', () => {
  let server: TestInventory;
  let client: InventoryClient;

  before(async () => {
    server = await startInventoryForTest({ RESERVATION_SWEEP_INTERVAL: '50ms' });
    ({ client } = server);
  });
  after(() => server.close());

  const reserveSwept = async (units: Record<string, number>): Promise<string> => {
    const id = await reserve(client, units);
    await expire(server.db, id);
    await waitFor(async () => (await storedStatesOf(server.db, id))[0] === 'EXPIRED', 'swept reservation');
    return id;
  };

  it('is committed once by concurrent requests when all of its stock is available', async () => {
    await addStock(client, { latte: 5, mocha: 5 });
    const reservationId = await reserveSwept({ latte: 4, mocha: 5 });
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => client.commitReservation({ reservationId })),
    );
    for (const response of responses) expect(response).to.deep.equal(responses[0]);
    expect(await levelsOf(client, 'latte', 'mocha')).to.deep.equal(['latte 1/0', 'mocha 0/0']);
    await expectConsistentStock(client, ['latte', 'mocha']);
  });

  it('can never be committed once a commit has failed because part of its stock is reserved again', async () => {
    await addStock(client, { tea: 5, milk: 5 });
    const reservationId = await reserveSwept({ tea: 4, milk: 4 });
    const otherId = await reserve(client, { tea: 2 });
    const error = await expectReason(client.commitReservation({ reservationId }), 'RESERVATION_EXPIRED');
    expect(error.preconditions).to.deep.equal([
      { type: 'STOCK', subject: 'tea', description: '4 wanted, 3 available' },
    ]);
    await client.releaseReservation({ reservationId: otherId });
    const repeated = await expectReason(client.commitReservation({ reservationId }), 'RESERVATION_EXPIRED');
    expect(repeated.preconditions).to.deep.equal(error.preconditions);
    await client.releaseReservation({ reservationId });
    await expectReason(client.commitReservation({ reservationId }), 'RESERVATION_EXPIRED');
    expect(await levelsOf(client, 'tea', 'milk')).to.deep.equal(['milk 5/0', 'tea 5/0']);
    await expectConsistentStock(client, ['tea', 'milk']);
  });

  it('either is committed or loses its stock to a concurrent reservation', async () => {
    for (let round = 0; round < 15; round += 1) {
      const sku = `contended-${round}`;
      await addStock(client, { [sku]: 3 });
      const reservationId = await reserveSwept({ [sku]: 3 });
      const outcomes = await outcomesOf([
        client.commitReservation({ reservationId }),
        client.reserveStock(aReserve({ [sku]: 1 })),
        client.commitReservation({ reservationId }),
      ]);
      const expected =
        outcomes['OUT_OF_STOCK'] === 1 ? { OK: 2, OUT_OF_STOCK: 1 } : { OK: 1, RESERVATION_EXPIRED: 2 };
      expect(outcomes).to.deep.equal(expected);
      await expectConsistentStock(client, [sku]);
    }
  });

  it('can be released', async () => {
    await addStock(client, { back: 5 });
    const reservationId = await reserveSwept({ back: 4 });
    const { reservation } = await client.releaseReservation({ reservationId });
    expect(stateName(reservation)).to.equal('RELEASED');
    await expectReason(client.commitReservation({ reservationId }), 'RESERVATION_RELEASED');
    expect(await levelsOf(client, 'back')).to.deep.equal(['back 5/0']);
  });

  it('is swept once by concurrent replicas', async () => {
    await Promise.all([1, 2, 3].map(() => server.addReplica({ RESERVATION_SWEEP_INTERVAL: '50ms' })));
    await addStock(client, { a: 1000, b: 1000, c: 1000 });
    const ids = await Promise.all(
      Array.from({ length: 150 }, (_, index) =>
        reserve(
          client,
          [
            { a: 1, b: 2 },
            { b: 1, c: 2 },
            { c: 1, a: 2 },
          ][index % 3] ?? {},
        ),
      ),
    );
    await expire(server.db, ...ids);
    await waitFor(
      async () => (await storedStatesOf(server.db, ...ids)).every((state) => state === 'EXPIRED'),
      'sweep of all reservations',
    );
    expect(await levelsOf(client, 'a', 'b', 'c')).to.deep.equal(['a 1000/0', 'b 1000/0', 'c 1000/0']);
    await expectConsistentStock(client, ['a', 'b', 'c']);
  });
});
