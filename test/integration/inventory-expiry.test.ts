import { expect } from 'chai';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import {
  anAdjustment,
  aReserve,
  expectSoundBooks,
  lapse,
  levelsOf,
  outcomesOf,
  reserve,
  stateName,
  stateOf,
  stockOf,
  stockUp,
  storedStatesOf,
} from './inventory-requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './inventory-server.js';

describe('an expired reservation that nobody has swept', () => {
  let server: TestInventory;
  let client: InventoryClient;

  before(async () => {
    server = await startInventoryForTest();
    ({ client } = server);
  });
  after(() => server.close());

  const lapsed = async (units: Record<string, number>): Promise<string> => {
    const id = await reserve(client, units);
    await lapse(server.db, id);
    return id;
  };

  it('is one as soon as its time is up', async () => {
    await stockUp(client, { quick: 1 });
    const request = aReserve({ quick: 1 }, { ttl: { seconds: 1n, nanos: 0 } });
    await client.reserveStock(request);
    await waitFor(async () => (await stateOf(client, request.reservationId)) === 'EXPIRED', 'the expiry');
    expect(await levelsOf(client, 'quick')).to.deep.equal(['quick 1/0']);
    expect(await storedStatesOf(server.db, request.reservationId)).to.deep.equal(['RESERVED']);
  });

  it('does not count wherever stock is read', async () => {
    await stockUp(client, { latte: 10, mocha: 10 });
    const reservationId = await lapsed({ latte: 3, mocha: 2 });
    await reserve(client, { latte: 1 });
    expect(await stateOf(client, reservationId)).to.equal('EXPIRED');
    expect(await levelsOf(client, 'latte', 'mocha')).to.deep.equal(['latte 10/1', 'mocha 10/0']);
    const { stock } = await client.getStock({ sku: 'latte', view: 1 });
    expect(stock).to.include({ reserved: 1n, available: 9n });
    const { stock: listed } = await client.listStock({ pageSize: 0, pageToken: '' });
    expect(listed.find(({ sku }) => sku === 'latte')).to.include({ reserved: 1n, available: 9n });
    await expectSoundBooks(client, ['latte', 'mocha']);
    expect(await storedStatesOf(server.db, reservationId)).to.deep.equal(['RESERVED']);
  });

  it('does not stand in the way of others', async () => {
    await stockUp(client, { tea: 5, milk: 5 });
    const ids = [await lapsed({ tea: 3, milk: 5 }), await lapsed({ tea: 2 })];
    await reserve(client, { tea: 5, milk: 1 });
    expect(await levelsOf(client, 'tea', 'milk')).to.deep.equal(['milk 5/1', 'tea 5/5']);
    expect(await storedStatesOf(server.db, ...ids)).to.deep.equal(['EXPIRED', 'EXPIRED']);
    await expectSoundBooks(client, ['tea', 'milk']);
  });

  it('does not stand in the way of many at once', async () => {
    await stockUp(client, { rush: 40 });
    const ids = await Promise.all(Array.from({ length: 40 }, () => reserve(client, { rush: 1 })));
    await lapse(server.db, ...ids);
    const clients = server.clients(4);
    const calls = Array.from({ length: 80 }, (_, index) =>
      (clients[index % 4] ?? client).reserveStock(aReserve({ rush: 1 })),
    );
    expect(await outcomesOf(calls)).to.deep.equal({ OK: 40, OUT_OF_STOCK: 40 });
    expect(await levelsOf(client, 'rush')).to.deep.equal(['rush 40/40']);
    await expectSoundBooks(client, ['rush']);
  });

  it('leaves a refusal to those for whom there is too little all the same', async () => {
    await stockUp(client, { small: 5 });
    await lapsed({ small: 3 });
    const error = await expectReason(client.reserveStock(aReserve({ small: 6 })), 'OUT_OF_STOCK');
    expect(error.preconditions).to.deep.equal([
      { type: 'STOCK', subject: 'small', description: '6 wanted, 5 available' },
    ]);
  });

  it('does not keep stock from being written off', async () => {
    await stockUp(client, { loss: 5 });
    await lapsed({ loss: 4 });
    await client.adjustStock(anAdjustment({ sku: 'loss', delta: -5n }));
    expect(await levelsOf(client, 'loss')).to.deep.equal(['loss 0/0']);
    await expectSoundBooks(client, ['loss']);
  });

  it('can be released', async () => {
    await stockUp(client, { back: 5 });
    const reservationId = await lapsed({ back: 4 });
    const { reservation } = await client.releaseReservation({ reservationId });
    expect(stateName(reservation)).to.equal('RELEASED');
    await expectSoundBooks(client, ['back']);
    expect((await stockOf(client, 'back')).available).to.equal(5n);
  });

  it('can be committed as long as its stock is there', async () => {
    await stockUp(client, { there: 5 });
    const reservationId = await lapsed({ there: 4 });
    await client.commitReservation({ reservationId });
    expect(await levelsOf(client, 'there')).to.deep.equal(['there 1/0']);
    await expectSoundBooks(client, ['there']);
  });
});

describe('an expired reservation whose stock was given back', () => {
  let server: TestInventory;
  let client: InventoryClient;

  before(async () => {
    server = await startInventoryForTest({ RESERVATION_SWEEP_INTERVAL: '50ms' });
    ({ client } = server);
  });
  after(() => server.close());

  const swept = async (units: Record<string, number>): Promise<string> => {
    const id = await reserve(client, units);
    await lapse(server.db, id);
    await waitFor(async () => (await storedStatesOf(server.db, id))[0] === 'EXPIRED', 'the sweep');
    return id;
  };

  it('is committed when all of it is still there, once', async () => {
    await stockUp(client, { latte: 5, mocha: 5 });
    const reservationId = await swept({ latte: 4, mocha: 5 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.commitReservation({ reservationId })),
    );
    for (const answer of answers) expect(answer).to.deep.equal(answers[0]);
    expect(await levelsOf(client, 'latte', 'mocha')).to.deep.equal(['latte 1/0', 'mocha 0/0']);
    await expectSoundBooks(client, ['latte', 'mocha']);
  });

  it('is not committed, ever, when a part of it is gone', async () => {
    await stockUp(client, { tea: 5, milk: 5 });
    const reservationId = await swept({ tea: 4, milk: 4 });
    const rival = await reserve(client, { tea: 2 });
    const error = await expectReason(client.commitReservation({ reservationId }), 'RESERVATION_EXPIRED');
    expect(error.preconditions).to.deep.equal([
      { type: 'STOCK', subject: 'tea', description: '4 wanted, 3 available' },
    ]);
    await client.releaseReservation({ reservationId: rival });
    const again = await expectReason(client.commitReservation({ reservationId }), 'RESERVATION_EXPIRED');
    expect(again.preconditions).to.deep.equal(error.preconditions);
    await client.releaseReservation({ reservationId });
    await expectReason(client.commitReservation({ reservationId }), 'RESERVATION_EXPIRED');
    expect(await levelsOf(client, 'tea', 'milk')).to.deep.equal(['milk 5/0', 'tea 5/0']);
    await expectSoundBooks(client, ['tea', 'milk']);
  });

  it('goes to one of those who commit and reserve it at once', async () => {
    for (let round = 0; round < 15; round += 1) {
      const sku = `fought-${round}`;
      await stockUp(client, { [sku]: 3 });
      const reservationId = await swept({ [sku]: 3 });
      const outcomes = await outcomesOf([
        client.commitReservation({ reservationId }),
        client.reserveStock(aReserve({ [sku]: 1 })),
        client.commitReservation({ reservationId }),
      ]);
      const won =
        outcomes['OUT_OF_STOCK'] === 1 ? { OK: 2, OUT_OF_STOCK: 1 } : { OK: 1, RESERVATION_EXPIRED: 2 };
      expect(outcomes).to.deep.equal(won);
      await expectSoundBooks(client, [sku]);
    }
  });

  it('can be released', async () => {
    await stockUp(client, { back: 5 });
    const reservationId = await swept({ back: 4 });
    const { reservation } = await client.releaseReservation({ reservationId });
    expect(stateName(reservation)).to.equal('RELEASED');
    await expectReason(client.commitReservation({ reservationId }), 'RESERVATION_RELEASED');
    expect(await levelsOf(client, 'back')).to.deep.equal(['back 5/0']);
  });

  it('is swept once by replicas that sweep at the same time', async () => {
    await Promise.all([1, 2, 3].map(() => server.addReplica({ RESERVATION_SWEEP_INTERVAL: '50ms' })));
    await stockUp(client, { a: 1000, b: 1000, c: 1000 });
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
    await lapse(server.db, ...ids);
    await waitFor(
      async () => (await storedStatesOf(server.db, ...ids)).every((state) => state === 'EXPIRED'),
      'the sweep of all',
    );
    expect(await levelsOf(client, 'a', 'b', 'c')).to.deep.equal(['a 1000/0', 'b 1000/0', 'c 1000/0']);
    await expectSoundBooks(client, ['a', 'b', 'c']);
  });
});
