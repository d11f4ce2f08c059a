import { expect } from 'chai';
import { advanceCheckpoints } from '../../../pkg/inventory/checkpoint-store.js';
import { sql } from '../../../pkg/postgres/index.js';
import { medianMs } from '../../support/median-ms.js';
import { addStock, expectConsistentStock, levelsOf, reserve, stockOf } from './requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './server.js';

const insertOverdue = sql(
  'test.insert_overdue',
  `with stocked as (
     insert into stock (sku, on_hand, reserved, revision, updated_at) values ('busy', 100000, 50000, 1, now())
   ), inserted as (
     insert into reservations (id, state, fingerprint, expires_at, created_at, updated_at)
     select gen_random_uuid(), 'RESERVED', '\\x00', now() - interval '1 minute', now(), now()
     from generate_series(1, 50000)
     returning id
   )
   insert into reservation_lines (reservation_id, sku, quantity) select id, 'busy', 1 from inserted`,
);

const allowDeletes = sql(
  'test.allow_deletes',
  'alter table stock_movements disable trigger stock_movements_append_only',
);
const deleteMovements = sql('test.delete_movements', 'delete from stock_movements');

describe('50,000 overdue reservations of one SKU', () => {
  let server: TestInventory;
  let client: InventoryClient;

  before(async () => {
    server = await startInventoryForTest();
    ({ client } = server);
  });
  after(() => server.close());

  it('do not slow down GetStock of another SKU', async () => {
    await addStock(client, { quiet: 5 });
    const read = () => levelsOf(client, 'quiet');
    const before = await medianMs(read);
    await server.db.query(insertOverdue());
    expect(await medianMs(read)).to.be.lessThan(4 * before);
    expect(await read()).to.deep.equal(['quiet 5/0']);
  });

  it('are expired in parts by a reservation that needs their stock', async () => {
    expect(await levelsOf(client, 'busy')).to.deep.equal(['busy 100000/0']);
    await reserve(client, { busy: 50_100 });
    expect(await levelsOf(client, 'busy')).to.deep.equal(['busy 100000/50100']);
  });
});

describe('the audit of a SKU with a checkpoint', () => {
  let server: TestInventory;
  let client: InventoryClient;

  before(async () => {
    server = await startInventoryForTest();
    ({ client } = server);
    await addStock(client, { latte: 90, mocha: 90 });
    for (let count = 0; count < 5; count += 1) await sell({ latte: 2, mocha: 1 });
  });
  after(() => server.close());

  async function sell(units: Record<string, number>): Promise<string> {
    const reservationId = await reserve(client, units);
    await client.commitReservation({ reservationId });
    return reservationId;
  }

  /** Moves all checkpoints in steps of two movements. */
  const advance = async (): Promise<number> => {
    for (let steps = 0; ; steps += 1)
      if (!(await advanceCheckpoints(server.db, { distance: 1, movements: 2 }))) return steps;
  };

  it('has the same sums', async () => {
    const sums = (await stockOf(client, 'latte')).audit;
    expect(await advance()).to.equal(4);
    expect((await stockOf(client, 'latte')).audit).to.deep.equal(sums);
    expect(sums).to.deep.equal({ movementsSum: 80n, openReservationsSum: 0n, committedSum: 10n });
  });

  it('adds the movements after the checkpoint', async () => {
    const returned = await sell({ latte: 7 });
    await sell({ latte: 1, mocha: 1 });
    await client.releaseReservation({ reservationId: returned });
    expect((await stockOf(client, 'latte')).audit).to.include({ movementsSum: 79n, committedSum: 11n });
    await advance();
    expect((await stockOf(client, 'latte')).audit).to.include({ movementsSum: 79n, committedSum: 11n });
    await expectConsistentStock(client, ['latte', 'mocha']);
  });

  it('does not read the movements before the checkpoint', async () => {
    await advance();
    await server.db.query(allowDeletes());
    await server.db.query(deleteMovements());
    expect((await stockOf(client, 'latte')).audit).to.include({ movementsSum: 79n, committedSum: 11n });
  });

  it('is not moved twice by two replicas', async () => {
    await sell({ latte: 1 });
    const moved = await Promise.all(
      Array.from({ length: 8 }, () => advanceCheckpoints(server.db, { distance: 1 })),
    );
    expect(moved).to.include(true);
    expect((await stockOf(client, 'latte')).audit).to.include({ movementsSum: 78n, committedSum: 12n });
  });
});

describe('a plan that was made for an empty table', () => {
  const insertCommitted = sql(
    'test.insert_committed',
    `insert into reservations (id, state, fingerprint, expires_at, created_at, updated_at)
     select gen_random_uuid(), 'COMMITTED', '\\x00', now(), now(), now() from generate_series(1, 200000)`,
  );
  let server: TestInventory;

  before(async () => {
    server = await startInventoryForTest();
  });
  after(() => server.close());

  it('reserves and commits as fast when the table has grown', async () => {
    await addStock(server.client, { latte: 1000 });
    const sell = async (): Promise<void> => {
      const reservationId = await reserve(server.client, { latte: 1 });
      await server.client.commitReservation({ reservationId });
    };
    const before = await medianMs(sell);
    await server.db.query(insertCommitted());
    expect(await medianMs(sell)).to.be.lessThan(3 * before);
  });
});
