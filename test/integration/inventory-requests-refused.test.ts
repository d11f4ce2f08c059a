import { expect } from 'chai';
import { InventoryServiceService, type StockItem } from '../../pkg/pb/inventory/v1/inventory.js';
import { sql } from '../../pkg/postgres/index.js';
import { expectReason } from '../../pkg/postgres/testing/expect-reason.js';
import { frame, rawCall } from '../../pkg/rpc/testing/raw-call.js';
import { allOf } from '../../pkg/rpc/testing/all-of.js';
import { anAdjustment, aReserve, stockUp } from './inventory-requests.js';
import { startInventoryForTest, type InventoryClient, type TestInventory } from './inventory-server.js';

const countRows = sql(
  'test.count_rows',
  `select (select count(*) from reservations) + (select count(*) from reservation_lines)
     + (select count(*) from stock_movements) + (select count(*) from stock)
     + (select count(*) from idempotency_keys) as rows, (select sum(revision) from stock)::bigint as changes`,
);

type Call = (client: InventoryClient) => Promise<unknown>;

const line: StockItem = { sku: 'espresso', quantity: 1n };
const id = '018f0000-0000-7000-8000-000000000001';
const many = Array.from({ length: 10_000 }, (_, index) => ({ sku: `sku-${index}`, quantity: 1n }));

const reserving = (over: Parameters<typeof aReserve>[1]): Call => {
  return (client) => client.reserveStock(aReserve({ espresso: 1 }, over));
};
const adjusting = (over: Parameters<typeof anAdjustment>[0]): Call => {
  return (client) => client.adjustStock(anAdjustment({ requestId: 'r', ...over }));
};
const lineOf = (over: Partial<StockItem>): Call => reserving({ items: [line, { ...line, ...over }] });

/** What is wrong, the call, and the fields that the refusal names. */
const cases: readonly (readonly [string, Call, readonly string[]])[] = [
  ['no reservation id', reserving({ reservationId: '' }), ['reservation_id']],
  ['a reservation id that is no UUID', reserving({ reservationId: 'order-1' }), ['reservation_id']],
  [
    'a reservation id in upper case',
    reserving({ reservationId: id.toUpperCase().replace('8F', 'AF') }),
    ['reservation_id'],
  ],
  ['no lines', reserving({ items: [] }), ['items']],
  ['101 lines', reserving({ items: many.slice(0, 101) }), ['items']],
  ['10,000 lines', reserving({ items: many }), ['items']],
  ['a line without SKU', lineOf({ sku: '' }), ['items[1].sku']],
  ['a SKU of 65 characters', lineOf({ sku: 'x'.repeat(65) }), ['items[1].sku']],
  ['a SKU with a space', lineOf({ sku: 'flat white' }), ['items[1].sku']],
  ['a SKU with NUL', lineOf({ sku: 'nul\0' }), ['items[1].sku']],
  ['no quantity', lineOf({ quantity: 0n }), ['items[1].quantity']],
  ['a negative quantity', lineOf({ quantity: -1n }), ['items[1].quantity']],
  ['a quantity over a million', lineOf({ quantity: 1_000_001n }), ['items[1].quantity']],
  ['the largest quantity there is', lineOf({ quantity: 2n ** 63n - 1n }), ['items[1].quantity']],
  ['equal SKUs that are too many in all', lineOf({ quantity: 1_000_000n }), ['items']],
  ['a life of no time', reserving({ ttl: { seconds: 0n, nanos: 0 } }), ['ttl']],
  ['a life of more than a day', reserving({ ttl: { seconds: 86_401n, nanos: 0 } }), ['ttl']],
  ['an endless life', reserving({ ttl: { seconds: 2n ** 63n - 1n, nanos: 0 } }), ['ttl']],
  [
    'several at once',
    reserving({ reservationId: 'x', items: [{ sku: '', quantity: 0n }] }),
    ['reservation_id', 'items[0].sku', 'items[0].quantity'],
  ],
  ['a commit of no UUID', (client) => client.commitReservation({ reservationId: 'x' }), ['reservation_id']],
  ['a release of no UUID', (client) => client.releaseReservation({ reservationId: '' }), ['reservation_id']],
  ['a question for no UUID', (client) => client.getReservation({ reservationId: 'x' }), ['reservation_id']],
  ['a level of no SKU', (client) => client.getStock({ sku: '', view: 0 }), ['sku']],
  ['a level in an unknown view', (client) => client.getStock({ sku: 'a', view: 9 as never }), ['view']],
  ['levels of no SKUs', (client) => client.batchGetStock({ skus: [], view: 0 }), ['skus']],
  [
    'levels of 1,001 SKUs',
    (client) => client.batchGetStock({ skus: many.slice(0, 1001).map(({ sku }) => sku), view: 0 }),
    ['skus'],
  ],
  [
    'levels of what is no SKU',
    (client) => client.batchGetStock({ skus: ['a', 'b c'], view: 0 }),
    ['skus[1]'],
  ],
  ['a page of -1', (client) => client.listStock({ pageSize: -1, pageToken: '' }), ['page_size']],
  ['a page of 1,001', (client) => client.listStock({ pageSize: 1001, pageToken: '' }), ['page_size']],
  ['watching nothing', (client) => allOf(client.watchStock({ skus: [] })), ['skus']],
  [
    'watching 101 SKUs',
    (client) => allOf(client.watchStock({ skus: many.slice(0, 101).map(({ sku }) => sku) })),
    ['skus'],
  ],
  ['a request id of 129 characters', adjusting({ requestId: 'r'.repeat(129) }), ['request_id']],
  ['a request id with NUL', adjusting({ requestId: 'r\0' }), ['request_id']],
  ['an adjustment of no SKU', adjusting({ sku: '' }), ['sku']],
  ['an adjustment by nothing', adjusting({ delta: 0n }), ['delta']],
  ['an adjustment by more than a billion', adjusting({ delta: 1_000_000_001n }), ['delta']],
  ['an adjustment by the least number there is', adjusting({ delta: -(2n ** 63n) }), ['delta']],
  ['a reason of 201 characters', adjusting({ reason: 'r'.repeat(201) }), ['reason']],
  ['a reason with NUL', adjusting({ reason: 'r\0' }), ['reason']],
];

describe('the inventory service refuses, and stores nothing of,', () => {
  let server: TestInventory;
  let untouched: unknown;

  before(async () => {
    server = await startInventoryForTest();
    await stockUp(server.client, { espresso: 1_000_000 });
    untouched = await server.db.query(countRows);
  });
  after(() => server.close());
  afterEach(async () => {
    expect(await server.db.query(countRows)).to.deep.equal(untouched);
  });

  for (const [what, call, fields] of cases) {
    it(what, async () => {
      const error = await expectReason(call(server.client), 'VALIDATION_FAILED');
      expect(error.fields.map(({ field }) => field)).to.deep.equal(fields);
    });
  }

  const raw = (body: Buffer) =>
    rawCall(server.address, { path: InventoryServiceService.adjustStock.path, body: frame(body) });
  const request = InventoryServiceService.adjustStock.requestSerialize(anAdjustment({ reason: 'REASON' }));

  it('text that is not UTF-8', async () => {
    const at = request.indexOf('REASON');
    const body = Buffer.concat([
      request.subarray(0, at),
      Buffer.from([0xff, 0xfe]),
      request.subarray(at + 2),
    ]);
    const answer = await raw(body);
    expect(answer.code).to.equal(3);
    expect(answer.error().fields.map(({ field }) => field)).to.deep.equal(['reason']);
  });

  it('bytes that are not protobuf', async () => {
    const answer = await raw(request.subarray(0, -3));
    expect(answer.code).to.equal(3);
    expect(answer.error().reason).to.equal('MALFORMED_MESSAGE');
  });

  it('messages of over a megabyte', async () => {
    const answer = await raw(Buffer.concat([request, Buffer.alloc(1_048_577)]));
    expect(answer.code).to.equal(8);
    expect(answer.error().reason).to.equal('MESSAGE_TOO_LARGE');
  });
});
