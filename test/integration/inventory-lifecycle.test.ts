import { expect } from 'chai';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { sql } from '../../pkg/postgres/index.js';
import { failureOf } from '../../pkg/postgres/testing/expect-reason.js';
import { uuidv7 } from '../../pkg/runtime/index.js';
import {
  aReserve,
  expectSoundBooks,
  levelsOf,
  reserve,
  stateName,
  stockOf,
  stockUp,
} from './inventory-requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './inventory-server.js';

describe('the life of a reservation', () => {
  let server: TestInventory;
  let client: InventoryClient;

  before(async () => {
    server = await startInventoryForTest();
    ({ client } = server);
  });
  after(() => server.close());

  it('ends with a withdrawal when it is committed, once', async () => {
    await stockUp(client, { latte: 10, mocha: 5 });
    const reservationId = await reserve(client, { latte: 4, mocha: 5 });
    const first = await client.commitReservation({ reservationId });
    expect(stateName(first.reservation)).to.equal('COMMITTED');
    expect(await client.commitReservation({ reservationId })).to.deep.equal(first);
    expect(await client.getReservation({ reservationId })).to.deep.equal(first);
    expect(await levelsOf(client, 'latte', 'mocha')).to.deep.equal(['latte 6/0', 'mocha 0/0']);
    expect((await stockOf(client, 'latte')).audit?.committedSum).to.equal(4n);
    await expectSoundBooks(client, ['latte', 'mocha']);
  });

  it('ends without a trace in the stock when it is released, once', async () => {
    await stockUp(client, { tea: 10 });
    const reservationId = await reserve(client, { tea: 4 });
    const first = await client.releaseReservation({ reservationId });
    expect(stateName(first.reservation)).to.equal('RELEASED');
    expect(await client.releaseReservation({ reservationId })).to.deep.equal(first);
    expect(await levelsOf(client, 'tea')).to.deep.equal(['tea 10/0']);
    await expectReason(client.commitReservation({ reservationId }), 'RESERVATION_RELEASED');
    await expectSoundBooks(client, ['tea']);
  });

  it('goes back from a withdrawal when it is released after the commit, once', async () => {
    await stockUp(client, { chai: 10 });
    const reservationId = await reserve(client, { chai: 4 });
    await client.commitReservation({ reservationId });
    const first = await client.releaseReservation({ reservationId });
    expect(stateName(first.reservation)).to.equal('RETURNED');
    expect(await client.releaseReservation({ reservationId })).to.deep.equal(first);
    expect(await levelsOf(client, 'chai')).to.deep.equal(['chai 10/0']);
    expect((await stockOf(client, 'chai')).audit?.committedSum).to.equal(0n);
    await expectReason(client.commitReservation({ reservationId }), 'RESERVATION_RELEASED');
    await expectSoundBooks(client, ['chai']);
  });

  it('shows in the answer to a repeated request', async () => {
    await stockUp(client, { decaf: 10 });
    const request = aReserve({ decaf: 1 });
    await client.reserveStock(request);
    const { reservation } = await client.commitReservation(request);
    expect((await client.reserveStock(request)).reservation).to.deep.equal(reservation);
    expect(await levelsOf(client, 'decaf')).to.deep.equal(['decaf 9/0']);
  });

  it('is over when it is refused', async () => {
    const request = aReserve({ nothing: 1 });
    await expectReason(client.reserveStock(request), 'OUT_OF_STOCK');
    const error = await expectReason(client.commitReservation(request), 'ILLEGAL_TRANSITION');
    expect(error.metadata).to.include({ reservation_id: request.reservationId, state: 'REFUSED' });
    expect(stateName((await client.releaseReservation(request)).reservation)).to.equal('REFUSED');
    await expectReason(client.reserveStock(request), 'OUT_OF_STOCK');
  });

  it('does not begin with a commit or a question', async () => {
    const reservationId = uuidv7();
    await expectReason(client.commitReservation({ reservationId }), 'RESERVATION_NOT_FOUND');
    await expectReason(client.getReservation({ reservationId }), 'RESERVATION_NOT_FOUND');
    await stockUp(client, { after: 1 });
    await client.reserveStock(aReserve({ after: 1 }, { reservationId }));
  });

  it('leaves movements that nobody can change', async () => {
    for (const change of [
      'update stock_movements set delta = 1',
      'delete from stock_movements',
      'truncate stock_movements',
    ]) {
      const error = await failureOf(server.db.query(sql(`test.${change.slice(0, 8)}`, change)));
      expect(error.message).to.equal('stock_movements is append-only');
    }
  });
});
