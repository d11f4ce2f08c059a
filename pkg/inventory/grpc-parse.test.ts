import { expect } from 'chai';
import { AppError } from '../errors/index.js';
import { ReservationState, StockView } from '../pb/inventory/v1/inventory.js';
import { encodePageToken } from '../rpc/index.js';
import {
  movementTokenAfter,
  pageTokenAfter,
  parseAdjust,
  parseBatchGetStock,
  parseGetStock,
  parseListMovements,
  parseListReservations,
  parseListStock,
  parseReservationId,
  parseReserve,
  parseWatchStock,
  reservationTokenAfter,
} from './grpc-parse.js';

const reservationId = '018f0000-0000-7000-8000-000000000001';
const items = [{ sku: 'espresso', quantity: 1n }];

function fieldsOf(parse: () => unknown): string[] {
  try {
    parse();
  } catch (error) {
    if (error instanceof AppError) return error.fields.map(({ field }) => field);
    throw error;
  }
  return [];
}

describe('ReserveStock', () => {
  it('sums the quantities of lines with equal SKUs', () => {
    const input = parseReserve({ reservationId, items: [...items, ...items], ttl: undefined });
    expect(input.lines).to.deep.equal([{ sku: 'espresso', quantity: 2n }]);
  });

  it('reports every invalid field', () => {
    const invalidItems = [
      { sku: '', quantity: 0n },
      { sku: 'a b', quantity: 1_000_001n },
      { sku: 'x'.repeat(65), quantity: -1n },
      { sku: 'NUL\0', quantity: 9_223_372_036_854_775_807n },
    ];
    const fields = fieldsOf(() => parseReserve({ reservationId: 'no', items: invalidItems, ttl: undefined }));
    const itemFields = invalidItems.flatMap((_, index) => [
      `items[${index}].sku`,
      `items[${index}].quantity`,
    ]);
    expect(fields).to.deep.equal(['reservation_id', ...itemFields]);
  });

  it('requires 1 to 100 lines', () => {
    const manyItems = (length: number) =>
      Array.from({ length }, (_, index) => ({ sku: `s${index}`, quantity: 1n }));
    expect(fieldsOf(() => parseReserve({ reservationId, items: [] }))).to.deep.equal(['items']);
    expect(fieldsOf(() => parseReserve({ reservationId, items: manyItems(100) }))).to.deep.equal([]);
    expect(fieldsOf(() => parseReserve({ reservationId, items: manyItems(10_000) }))).to.deep.equal([
      'items',
    ]);
  });

  it('applies the quantity limit of one line also to the sum of lines with equal SKUs', () => {
    const halves = [
      { sku: 'a', quantity: 500_000n },
      { sku: 'a', quantity: 500_000n },
    ];
    expect(fieldsOf(() => parseReserve({ reservationId, items: halves }))).to.deep.equal([]);
    const tooMany = [...halves, { sku: 'a', quantity: 1n }];
    expect(fieldsOf(() => parseReserve({ reservationId, items: tooMany }))).to.deep.equal(['items']);
  });

  it('accepts a ttl from one second to one day', () => {
    const ttlFields = (seconds: bigint, nanos = 0): string[] =>
      fieldsOf(() => parseReserve({ reservationId, items, ttl: { seconds, nanos } }));
    expect(parseReserve({ reservationId, items, ttl: { seconds: 1n, nanos: 500_000_000 } }).ttlMs).to.equal(
      1500,
    );
    expect(ttlFields(86_400n)).to.deep.equal([]);
    expect(ttlFields(0n, 999_999_999)).to.deep.equal(['ttl']);
    expect(ttlFields(86_400n, 1)).to.deep.equal(['ttl']);
    expect(ttlFields(-5n)).to.deep.equal(['ttl']);
    expect(ttlFields(2n, -1)).to.deep.equal(['ttl']);
    expect(ttlFields(9_223_372_036_854_775_807n)).to.deep.equal(['ttl']);
  });
});

describe('reservation_id', () => {
  it('must be a lower-case UUID', () => {
    expect(parseReservationId({ reservationId })).to.equal(reservationId);
    for (const invalid of ['', 'x', reservationId.toUpperCase(), `${reservationId}0`])
      expect(fieldsOf(() => parseReservationId({ reservationId: invalid }))).to.deep.equal([
        'reservation_id',
      ]);
  });
});

describe('requests that read stock', () => {
  it('are parsed to sorted SKUs without duplicates', () => {
    const skus = ['b', 'a', 'b', 'Z'];
    expect(parseBatchGetStock({ skus, view: StockView.BASIC }).skus).to.deep.equal(['Z', 'a', 'b']);
    expect(parseWatchStock({ skus })).to.deep.equal(['Z', 'a', 'b']);
  });

  it('include the audit only with the AUDIT view, and are rejected with an unknown view', () => {
    const auditOf = (view: StockView): boolean => parseGetStock({ sku: 'a', view }).withAudit;
    expect([StockView.UNSPECIFIED, StockView.BASIC, StockView.AUDIT].map(auditOf)).to.deep.equal([
      false,
      false,
      true,
    ]);
    expect(fieldsOf(() => auditOf(7 as StockView))).to.deep.equal(['view']);
  });

  it('are rejected with no SKUs, too many SKUs or malformed SKUs', () => {
    const skus = Array.from({ length: 1001 }, (_, index) => `s${index}`);
    const view = StockView.BASIC;
    expect(fieldsOf(() => parseBatchGetStock({ skus, view }))).to.deep.equal(['skus']);
    expect(fieldsOf(() => parseBatchGetStock({ skus: skus.slice(1), view }))).to.deep.equal([]);
    expect(fieldsOf(() => parseBatchGetStock({ skus: [], view }))).to.deep.equal(['skus']);
    expect(fieldsOf(() => parseWatchStock({ skus: skus.slice(0, 101) }))).to.deep.equal(['skus']);
    expect(fieldsOf(() => parseWatchStock({ skus: ['a', '', 'b c'] }))).to.deep.equal(['skus[1]', 'skus[2]']);
  });
});

describe('ListStock', () => {
  it('continues after the SKU of the page token', () => {
    expect(parseListStock({ pageSize: 0, pageToken: '' })).to.deep.equal({ after: '', size: 50 });
    const pageToken = pageTokenAfter('mocha');
    expect(parseListStock({ pageSize: 1000, pageToken })).to.deep.equal({ after: 'mocha', size: 1000 });
  });

  it('rejects page sizes below 0 and above 1000', () => {
    for (const pageSize of [-1, 1001])
      expect(fieldsOf(() => parseListStock({ pageSize, pageToken: '' }))).to.deep.equal(['page_size']);
  });

  it('rejects page tokens of other listings and malformed tokens', () => {
    const listing = ['inventory.v1.InventoryService/ListStock'];
    const forged = [
      'x',
      encodePageToken(['mocha'], ['another listing']),
      encodePageToken(['a', 'b'], listing),
      encodePageToken(['NUL\0'], listing),
    ];
    for (const pageToken of forged)
      expect(fieldsOf(() => parseListStock({ pageSize: 0, pageToken }))).to.deep.equal(['page_token']);
  });
});

describe('ListStockMovements', () => {
  const request = { pageSize: 0, pageToken: '', sku: '' };

  it('continues after the movement of the page token', () => {
    expect(parseListMovements(request)).to.deep.equal({ sku: '', after: 0n, size: 50 });
    const pageToken = movementTokenAfter(7n, { sku: 'mocha' });
    const page = parseListMovements({ pageSize: 9, pageToken, sku: 'mocha' });
    expect(page).to.deep.equal({ sku: 'mocha', after: 7n, size: 9 });
  });

  it('rejects malformed SKUs and page sizes', () => {
    const invalid = { ...request, pageSize: 1001, sku: 'ä' };
    expect(fieldsOf(() => parseListMovements(invalid))).to.deep.equal(['page_size', 'sku']);
  });

  it('rejects page tokens of other SKUs and listings, and malformed tokens', () => {
    const listing = ['inventory.v1.InventoryService/ListStockMovements', ''];
    const forged = [
      'x',
      pageTokenAfter('mocha'),
      movementTokenAfter(7n, { sku: 'mocha' }),
      ...['-1', '1.5', 'x', '9223372036854775808'].map((id) => encodePageToken([id], listing)),
    ];
    for (const pageToken of forged)
      expect(fieldsOf(() => parseListMovements({ ...request, pageToken }))).to.deep.equal(['page_token']);
  });
});

describe('ListReservations', () => {
  const request = { pageSize: 0, pageToken: '', state: ReservationState.UNSPECIFIED };
  const id = '018f0000-0000-7000-8000-000000000001';

  it('continues after the reservation of the page token', () => {
    expect(parseListReservations(request)).to.deep.equal({ state: undefined, after: undefined, size: 50 });
    const pageToken = reservationTokenAfter(id, { state: 'EXPIRED' });
    const page = parseListReservations({ pageSize: 9, pageToken, state: ReservationState.EXPIRED });
    expect(page).to.deep.equal({ state: 'EXPIRED', after: id, size: 9 });
  });

  it('rejects unknown states and page sizes', () => {
    const invalid = { ...request, pageSize: -1, state: 99 as ReservationState };
    expect(fieldsOf(() => parseListReservations(invalid))).to.deep.equal(['page_size', 'state']);
  });

  it('rejects page tokens of other states and listings, and malformed tokens', () => {
    const listing = ['inventory.v1.InventoryService/ListReservations', ''];
    const forged = [
      'x',
      pageTokenAfter('mocha'),
      reservationTokenAfter(id, { state: 'EXPIRED' }),
      encodePageToken(['no-uuid'], listing),
    ];
    for (const pageToken of forged)
      expect(fieldsOf(() => parseListReservations({ ...request, pageToken }))).to.deep.equal(['page_token']);
  });
});

describe('AdjustStock', () => {
  const request = { requestId: '', sku: 'espresso', delta: 5n, reason: '' };

  it('requires neither a request id nor a reason', () => {
    expect(parseAdjust(request)).to.deep.equal({ ...request, actor: '' });
  });

  it('reports every invalid field', () => {
    const invalid = {
      requestId: 'r'.repeat(129),
      sku: 'ä',
      delta: 0n,
      reason: 'NUL\0',
      actor: 'a'.repeat(129),
    };
    const fields = ['request_id', 'sku', 'reason', 'actor', 'delta'];
    expect(fieldsOf(() => parseAdjust(invalid))).to.deep.equal(fields);
  });

  it('accepts an actor of 128 characters', () => {
    const actor = '👩'.repeat(128);
    expect(parseAdjust({ ...request, actor })).to.deep.equal({ ...request, actor });
  });

  it('accepts deltas from -1,000,000,000 to 1,000,000,000', () => {
    for (const delta of [1_000_000_000n, -1_000_000_000n])
      expect(fieldsOf(() => parseAdjust({ ...request, delta }))).to.deep.equal([]);
    for (const delta of [1_000_000_001n, -1_000_000_001n, -9_223_372_036_854_775_808n])
      expect(fieldsOf(() => parseAdjust({ ...request, delta }))).to.deep.equal(['delta']);
  });
});
