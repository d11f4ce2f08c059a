import { expect } from 'chai';
import { sql } from '../../../pkg/postgres/index.js';
import { expectReason, failureOf } from '../../support/expect-reason.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import {
  aReserve,
  expectConsistentStock,
  levelsOf,
  reserve,
  stateName,
  stockOf,
  addStock,
} from './requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './server.js';

describe('reservation lifecycle', () => {
  let server: TestInventory;
  let client: InventoryClient;

  before(async () => {
    server = await startInventoryForTest();
    ({ client } = server);
  });
  after(() => server.close());

  it('deducts the stock once at the commit', async () => {
    await addStock(client, { latte: 10, mocha: 5 });
    const reservationId = await reserve(client, { latte: 4, mocha: 5 });
    const first = await client.commitReservation({ reservationId });
    expect(stateName(first.reservation)).to.equal('COMMITTED');
    expect(await client.commitReservation({ reservationId })).to.deep.equal(first);
    expect(await client.getReservation({ reservationId })).to.deep.equal(first);
    expect(await levelsOf(client, 'latte', 'mocha')).to.deep.equal(['latte 6/0', 'mocha 0/0']);
    expect((await stockOf(client, 'latte')).audit?.committedSum).to.equal(4n);
    await expectConsistentStock(client, ['latte', 'mocha']);
  });

  it('releases the stock once', async () => {
    await addStock(client, { tea: 10 });
    const reservationId = await reserve(client, { tea: 4 });
    const first = await client.releaseReservation({ reservationId });
    expect(stateName(first.reservation)).to.equal('RELEASED');
    expect(await client.releaseReservation({ reservationId })).to.deep.equal(first);
    expect(await levelsOf(client, 'tea')).to.deep.equal(['tea 10/0']);
    await expectReason(client.commitReservation({ reservationId }), 'RESERVATION_RELEASED');
    await expectConsistentStock(client, ['tea']);
  });

  it('returns the stock once at a release after the commit', async () => {
    await addStock(client, { chai: 10 });
    const reservationId = await reserve(client, { chai: 4 });
    await client.commitReservation({ reservationId });
    const first = await client.releaseReservation({ reservationId });
    expect(stateName(first.reservation)).to.equal('RETURNED');
    expect(await client.releaseReservation({ reservationId })).to.deep.equal(first);
    expect(await levelsOf(client, 'chai')).to.deep.equal(['chai 10/0']);
    expect((await stockOf(client, 'chai')).audit?.committedSum).to.equal(0n);
    await expectReason(client.commitReservation({ reservationId }), 'RESERVATION_RELEASED');
    await expectConsistentStock(client, ['chai']);
  });

  it('returns the current state to a repeated ReserveStock', async () => {
    await addStock(client, { decaf: 10 });
    const request = aReserve({ decaf: 1 });
    await client.reserveStock(request);
    const { reservation } = await client.commitReservation(request);
    expect((await client.reserveStock(request)).reservation).to.deep.equal(reservation);
    expect(await levelsOf(client, 'decaf')).to.deep.equal(['decaf 9/0']);
  });

  it('ends in state REFUSED when ReserveStock is rejected', async () => {
    const request = aReserve({ nothing: 1 });
    await expectReason(client.reserveStock(request), 'OUT_OF_STOCK');
    const error = await expectReason(client.commitReservation(request), 'ILLEGAL_TRANSITION');
    expect(error.metadata).to.include({ reservation_id: request.reservationId, state: 'REFUSED' });
    expect(stateName((await client.releaseReservation(request)).reservation)).to.equal('REFUSED');
    await expectReason(client.reserveStock(request), 'OUT_OF_STOCK');
  });

  it('is not started by CommitReservation or GetReservation with an unknown id', async () => {
    const reservationId = uuidv7();
    await expectReason(client.commitReservation({ reservationId }), 'RESERVATION_NOT_FOUND');
    await expectReason(client.getReservation({ reservationId }), 'RESERVATION_NOT_FOUND');
    await addStock(client, { after: 1 });
    await client.reserveStock(aReserve({ after: 1 }, { reservationId }));
  });

  it('writes append-only stock movements', async () => {
    for (const change of [
      sql('test.update_movements', 'update stock_movements set delta = 1'),
      sql('test.delete_movements', 'delete from stock_movements'),
      sql('test.truncate_movements', 'truncate stock_movements'),
    ]) {
      const error = await failureOf(server.db.query(change()));
      expect(error.message).to.equal('stock_movements is append-only');
    }
  });
});
