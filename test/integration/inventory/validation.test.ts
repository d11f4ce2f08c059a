import { expect } from 'chai';
import { InventoryServiceService, type StockItem } from '../../../pkg/pb/inventory/v1/inventory.js';
import { sql } from '../../../pkg/postgres/index.js';
import { expectReason } from '../../support/expect-reason.js';
import { frame, rawCall } from '../../support/rpc/raw-call.js';
import { allOf } from '../../support/rpc/all-of.js';
import { anAdjustment, aReserve, addStock } from './requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './server.js';

const countRows = sql(
  'test.count_rows',
  `select (select count(*) from reservations) + (select count(*) from reservation_lines)
     + (select count(*) from stock_movements) + (select count(*) from stock)
     + (select count(*) from idempotency_keys) as rows, (select sum(revision) from stock)::bigint as changes`,
);

type Call = (client: InventoryClient) => Promise<unknown>;

const line: StockItem = { sku: 'espresso', quantity: 1n };
const id = '018f0000-0000-7000-8000-000000000001';
const manyItems = Array.from({ length: 10_000 }, (_, index) => ({ sku: `sku-${index}`, quantity: 1n }));

const reserving = (overrides: Parameters<typeof aReserve>[1]): Call => {
  return (client) => client.reserveStock(aReserve({ espresso: 1 }, overrides));
};
const adjusting = (overrides: Parameters<typeof anAdjustment>[0]): Call => {
  return (client) => client.adjustStock(anAdjustment({ requestId: 'r', ...overrides }));
};
const lineOf = (overrides: Partial<StockItem>): Call =>
  reserving({ items: [line, { ...line, ...overrides }] });

/** Title, call, and the fields that the error names. */
const cases: readonly (readonly [string, Call, readonly string[]])[] = [
  ['a reservation without an id', reserving({ reservationId: '' }), ['reservation_id']],
  ['a reservation id that is not a UUID', reserving({ reservationId: 'order-1' }), ['reservation_id']],
  [
    'a reservation id in upper case',
    reserving({ reservationId: id.toUpperCase().replace('8F', 'AF') }),
    ['reservation_id'],
  ],
  [
    'an operator of a release with 129 characters',
    (client) => client.releaseReservation({ reservationId: id, actor: 'x'.repeat(129) }),
    ['actor'],
  ],
  [
    'a reason of a release with NUL',
    (client) => client.releaseReservation({ reservationId: id, actor: 'olga', reason: 'nul\0' }),
    ['reason'],
  ],
  ['a reservation without lines', reserving({ items: [] }), ['items']],
  ['a reservation with 101 lines', reserving({ items: manyItems.slice(0, 101) }), ['items']],
  ['a reservation with 10,000 lines', reserving({ items: manyItems }), ['items']],
  ['a line without a SKU', lineOf({ sku: '' }), ['items[1].sku']],
  ['a SKU of 65 characters', lineOf({ sku: 'x'.repeat(65) }), ['items[1].sku']],
  ['a SKU with a space', lineOf({ sku: 'flat white' }), ['items[1].sku']],
  ['a SKU with NUL', lineOf({ sku: 'nul\0' }), ['items[1].sku']],
  ['a line without a quantity', lineOf({ quantity: 0n }), ['items[1].quantity']],
  ['a line with a negative quantity', lineOf({ quantity: -1n }), ['items[1].quantity']],
  ['a quantity of more than a million', lineOf({ quantity: 1_000_001n }), ['items[1].quantity']],
  ['the largest int64 as quantity', lineOf({ quantity: 2n ** 63n - 1n }), ['items[1].quantity']],
  [
    'lines with equal SKUs whose total quantity exceeds the limit',
    lineOf({ quantity: 1_000_000n }),
    ['items'],
  ],
  ['a ttl of zero', reserving({ ttl: { seconds: 0n, nanos: 0 } }), ['ttl']],
  ['a ttl of more than a day', reserving({ ttl: { seconds: 86_401n, nanos: 0 } }), ['ttl']],
  ['the largest int64 as ttl', reserving({ ttl: { seconds: 2n ** 63n - 1n, nanos: 0 } }), ['ttl']],
  [
    'a reservation with several invalid fields',
    reserving({ reservationId: 'x', items: [{ sku: '', quantity: 0n }] }),
    ['reservation_id', 'items[0].sku', 'items[0].quantity'],
  ],
  [
    'CommitReservation with an id that is not a UUID',
    (client) => client.commitReservation({ reservationId: 'x' }),
    ['reservation_id'],
  ],
  [
    'ReleaseReservation without an id',
    (client) => client.releaseReservation({ reservationId: '' }),
    ['reservation_id'],
  ],
  [
    'GetReservation with an id that is not a UUID',
    (client) => client.getReservation({ reservationId: 'x' }),
    ['reservation_id'],
  ],
  ['GetStock without a SKU', (client) => client.getStock({ sku: '', view: 0 }), ['sku']],
  ['GetStock with an unknown view', (client) => client.getStock({ sku: 'a', view: 9 as never }), ['view']],
  ['BatchGetStock without SKUs', (client) => client.batchGetStock({ skus: [], view: 0 }), ['skus']],
  [
    'BatchGetStock of 1,001 SKUs',
    (client) => client.batchGetStock({ skus: manyItems.slice(0, 1001).map(({ sku }) => sku), view: 0 }),
    ['skus'],
  ],
  [
    'BatchGetStock with a malformed SKU',
    (client) => client.batchGetStock({ skus: ['a', 'b c'], view: 0 }),
    ['skus[1]'],
  ],
  [
    'ListStock with a page size of -1',
    (client) => client.listStock({ pageSize: -1, pageToken: '' }),
    ['page_size'],
  ],
  [
    'ListStock with a page size of 1,001',
    (client) => client.listStock({ pageSize: 1001, pageToken: '' }),
    ['page_size'],
  ],
  ['WatchStock without SKUs', (client) => allOf(client.watchStock({ skus: [] })), ['skus']],
  [
    'WatchStock of 101 SKUs',
    (client) => allOf(client.watchStock({ skus: manyItems.slice(0, 101).map(({ sku }) => sku) })),
    ['skus'],
  ],
  [
    'an adjustment with a request id of 129 characters',
    adjusting({ requestId: 'r'.repeat(129) }),
    ['request_id'],
  ],
  ['an adjustment with NUL in its request id', adjusting({ requestId: 'r\0' }), ['request_id']],
  ['an adjustment without a SKU', adjusting({ sku: '' }), ['sku']],
  ['an adjustment by zero', adjusting({ delta: 0n }), ['delta']],
  ['an adjustment by more than a billion', adjusting({ delta: 1_000_000_001n }), ['delta']],
  ['an adjustment by the smallest int64', adjusting({ delta: -(2n ** 63n) }), ['delta']],
  ['an adjustment with a reason of 201 characters', adjusting({ reason: 'r'.repeat(201) }), ['reason']],
  ['an adjustment with NUL in its reason', adjusting({ reason: 'r\0' }), ['reason']],
];

describe('the inventory service rejects, without a change of the database,', () => {
  let server: TestInventory;
  let initialRows: unknown;

  before(async () => {
    server = await startInventoryForTest();
    await addStock(server.client, { espresso: 1_000_000 });
    initialRows = await server.db.query(countRows());
  });
  after(() => server.close());
  afterEach(async () => {
    expect(await server.db.query(countRows())).to.deep.equal(initialRows);
  });

  for (const [label, call, fields] of cases) {
    it(label, async () => {
      const error = await expectReason(call(server.client), 'VALIDATION_FAILED');
      expect(error.fields.map(({ field }) => field)).to.deep.equal(fields);
    });
  }

  const raw = (body: Buffer) =>
    rawCall(server.address, { path: InventoryServiceService.adjustStock.path, body: frame(body) });
  const request = InventoryServiceService.adjustStock.requestSerialize(anAdjustment({ reason: 'REASON' }));

  it('text that is not UTF-8', async () => {
    const offset = request.indexOf('REASON');
    const body = Buffer.concat([
      request.subarray(0, offset),
      Buffer.from([0xff, 0xfe]),
      request.subarray(offset + 2),
    ]);
    const response = await raw(body);
    expect(response.code).to.equal(3);
    expect(response.error().fields.map(({ field }) => field)).to.deep.equal(['reason']);
  });

  it('bytes that are not protobuf', async () => {
    const response = await raw(request.subarray(0, -3));
    expect(response.code).to.equal(3);
    expect(response.error().reason).to.equal('MALFORMED_MESSAGE');
  });

  it('messages of more than a megabyte', async () => {
    const response = await raw(Buffer.concat([request, Buffer.alloc(1_048_577)]));
    expect(response.code).to.equal(8);
    expect(response.error().reason).to.equal('MESSAGE_TOO_LARGE');
  });
});
