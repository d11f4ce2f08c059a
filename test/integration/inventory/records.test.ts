import { expect } from 'chai';
import {
  ReservationState,
  StockMovementKind,
  type ListReservationsRequest,
  type ListStockMovementsRequest,
} from '../../../pkg/pb/inventory/v1/inventory.js';
import { fingerprint, sql } from '../../../pkg/postgres/index.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { expectedPageSizes } from '../../support/page-sizes.js';
import { addStock, anAdjustment, aReserve, expire, reserve } from './requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './server.js';

/** Reads all pages; `read` returns the items and the token of the next page. */
async function allPages<T>(read: (pageToken: string) => Promise<[T[], string]>): Promise<T[][]> {
  const pages: T[][] = [];
  let pageToken = '';
  do {
    const [items, next] = await read(pageToken);
    pages.push(items);
    pageToken = next;
  } while (pageToken !== '');
  return pages;
}

const movementPages = (client: InventoryClient, request: Partial<ListStockMovementsRequest> = {}) =>
  allPages(async (pageToken) => {
    const page = await client.listStockMovements({ pageSize: 0, sku: '', ...request, pageToken });
    return [page.movements, page.nextPageToken];
  });

const reservationPages = (client: InventoryClient, request: Partial<ListReservationsRequest> = {}) =>
  allPages(async (pageToken) => {
    const state = ReservationState.UNSPECIFIED;
    const page = await client.listReservations({ pageSize: 0, state, ...request, pageToken });
    return [page.reservations, page.nextPageToken];
  });

describe('ListStockMovements', () => {
  let server: TestInventory;
  let client: InventoryClient;
  let reservationId: string;

  before(async () => {
    server = await startInventoryForTest();
    ({ client } = server);
    await client.adjustStock(
      anAdjustment({ sku: 'a', delta: 9n, reason: 'stock count', actor: 'olga', requestId: 'count-1' }),
    );
    await addStock(client, { b: 5 });
    reservationId = await reserve(client, { a: 2, b: 1 });
    await client.commitReservation({ reservationId });
    await client.releaseReservation({ reservationId });
  });
  after(() => server.close());

  it('returns every change of on_hand, oldest first, with its origin', async () => {
    const [movements = []] = await movementPages(client, { sku: 'a' });
    const ids = movements.map(({ movementId }) => movementId);
    expect(ids).to.deep.equal(ids.toSorted((x, y) => Number(x - y)));
    const none = { reservationId: '', actor: '', reason: '' };
    expect(movements.map(({ movementId: _id, time: _time, ...movement }) => movement)).to.deep.equal([
      { ...none, sku: 'a', delta: 9n, kind: StockMovementKind.ADJUST, actor: 'olga', reason: 'stock count' },
      { ...none, sku: 'a', delta: -2n, kind: StockMovementKind.COMMIT, reservationId },
      { ...none, sku: 'a', delta: 2n, kind: StockMovementKind.RETURN, reservationId },
    ]);
    expect(movements.every(({ time }) => Math.abs(Date.now() - Number(time)) < 60_000)).to.equal(true);
  });

  it('returns each movement once with any page size', async () => {
    for (const pageSize of [1, 2, 5, 6, 7]) {
      const pages = await movementPages(client, { pageSize });
      expect(pages.map(({ length }) => length)).to.deep.equal(expectedPageSizes(6, pageSize));
      expect(new Set(pages.flat().map(({ movementId }) => movementId)).size).to.equal(6);
    }
  });

  it('returns the operator and the reason of a return', async () => {
    await addStock(client, { returned: 3 });
    const returned = await reserve(client, { returned: 2 });
    await client.commitReservation({ reservationId: returned });
    await client.releaseReservation({ reservationId: returned, actor: 'olga', reason: 'no such order' });
    await client.releaseReservation({ reservationId: returned, actor: 'paul', reason: 'again' });

    const [movements = []] = await movementPages(client, { sku: 'returned' });
    expect(movements.at(-1)).to.include({ delta: 2n, actor: 'olga', reason: 'no such order' });
    expect(movements).to.have.length(3);
  });

  it('rejects the page token of another SKU', async () => {
    const first = await client.listStockMovements({ pageSize: 1, pageToken: '', sku: 'a' });
    const request = { pageSize: 1, pageToken: first.nextPageToken, sku: 'b' };
    await expectReason(client.listStockMovements(request), 'INVALID_PAGE_TOKEN');
  });

  const storedFingerprint = sql(
    'test.fingerprint',
    `select fingerprint from idempotency_keys where scope = 'AdjustStock' and request_id = $requestId`,
  );
  const fingerprintOf = async (requestId: string) =>
    (await server.db.query<{ fingerprint: Buffer }>(storedFingerprint({ requestId })))[0]?.fingerprint;

  it('an adjustment without actor has the same fingerprint as before adjustments had an actor', async () => {
    const adjustment = anAdjustment({ sku: 'c', requestId: 'no-actor' });
    const { sku, delta, reason } = adjustment;
    await client.adjustStock(adjustment);
    expect(await fingerprintOf('no-actor')).to.deep.equal(fingerprint({ sku, delta, reason }));
  });

  it('an adjustment with the key of another actor is another request', async () => {
    const adjustment = anAdjustment({ sku: 'c', requestId: 'by-olga', actor: 'olga' });
    await client.adjustStock(adjustment);
    await client.adjustStock(adjustment);
    await expectReason(client.adjustStock({ ...adjustment, actor: 'piet' }), 'REQUEST_ID_REUSED');
  });
});

describe('ListReservations', () => {
  let server: TestInventory;
  let client: InventoryClient;
  let ids: Record<'open' | 'expired' | 'committed' | 'returned' | 'tombstone' | 'refused', string>;

  before(async () => {
    server = await startInventoryForTest();
    ({ client } = server);
    await addStock(client, { a: 100, b: 100 });
    const open = await reserve(client, { b: 3, a: 2 });
    const expired = await reserve(client, { a: 1 });
    await expire(server.db, expired);
    const committed = await reserve(client, { a: 1 });
    await client.commitReservation({ reservationId: committed });
    const returned = await reserve(client, { b: 1 });
    await client.commitReservation({ reservationId: returned });
    await client.releaseReservation({ reservationId: returned });
    const tombstone = uuidv7();
    await client.releaseReservation({ reservationId: tombstone, actor: 'olga', reason: 'never reserve' });
    const refused = aReserve({ a: 1000 });
    await expectReason(client.reserveStock(refused), 'OUT_OF_STOCK');
    ids = { open, expired, committed, returned, tombstone, refused: refused.reservationId };
  });
  after(() => server.close());

  it('returns the same reservations as GetReservation, sorted by id, with any page size', async () => {
    const sorted = Object.values(ids).toSorted();
    const expected = await Promise.all(
      sorted.map((reservationId) => client.getReservation({ reservationId })),
    );
    for (const pageSize of [1, 4, 6, 1000]) {
      const pages = await reservationPages(client, { pageSize });
      expect(pages.map(({ length }) => length)).to.deep.equal(expectedPageSizes(6, pageSize));
      expect(pages.flat()).to.deep.equal(expected.map(({ reservation }) => reservation));
    }
  });

  it('filters by state; an expired reservation is EXPIRED before it is swept', async () => {
    const listed = async (state: ReservationState) =>
      (await reservationPages(client, { state, pageSize: 1 })).flat().map((found) => found.reservationId);
    expect(await listed(ReservationState.RESERVED)).to.deep.equal([ids.open]);
    expect(await listed(ReservationState.EXPIRED)).to.deep.equal([ids.expired]);
    expect(await listed(ReservationState.COMMITTED)).to.deep.equal([ids.committed]);
    expect(await listed(ReservationState.RETURNED)).to.deep.equal([ids.returned]);
    expect(await listed(ReservationState.RELEASED)).to.deep.equal([ids.tombstone]);
    expect(await listed(ReservationState.REFUSED)).to.deep.equal([ids.refused]);
  });

  it('rejects the page token of another state', async () => {
    const { nextPageToken } = await client.listReservations({ pageSize: 1, pageToken: '', state: 0 });
    const request = { pageSize: 1, pageToken: nextPageToken, state: ReservationState.RESERVED };
    await expectReason(client.listReservations(request), 'INVALID_PAGE_TOKEN');
  });

  it('returns the operator and the reason of a release', async () => {
    const { reservation } = await client.getReservation({ reservationId: ids.tombstone });
    expect(reservation).to.include({ releaseActor: 'olga', releaseReason: 'never reserve' });
    const open = await reserve(client, { a: 1 });
    const released = await client.releaseReservation({ reservationId: open, actor: 'olga' });
    const repeated = await client.releaseReservation({ reservationId: open, actor: 'paul' });
    expect(released.reservation).to.include({ releaseActor: 'olga', releaseReason: '' });
    expect(repeated.reservation).to.deep.equal(released.reservation);
  });
});

describe('a page of large reservations', () => {
  const insertLarge = sql(
    'test.insert_large',
    `with inserted as (
       insert into reservations (id, state, fingerprint, expires_at, created_at, updated_at)
       select gen_random_uuid(), 'COMMITTED', '\\x00', now(), now(), now() from generate_series(1, 400)
       returning id
     )
     insert into reservation_lines (reservation_id, sku, quantity)
     select id, 'sku-' || repeat('x', 56) || (1000 + n), 1000000
     from inserted, generate_series(1, 100) as n`,
  );

  it('ends before it passes 3 MiB, and the listing is complete', async () => {
    const server = await startInventoryForTest();
    await server.db.query(insertLarge());
    const pages = await reservationPages(server.client, { pageSize: 1000 });
    expect(pages.map(({ length }) => length)).to.deep.equal([210, 190]);
    expect(new Set(pages.flat().map(({ reservationId }) => reservationId)).size).to.equal(400);
    await server.close();
  });
});
