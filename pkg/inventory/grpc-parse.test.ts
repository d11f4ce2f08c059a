import { expect } from 'chai';
import { AppError } from '../errors/index.js';
import { StockView } from '../pb/inventory/v1/inventory.js';
import { encodePageToken } from '../rpc/index.js';
import {
  pageTokenAfter,
  parseAdjust,
  parseBatchGetStock,
  parseGetStock,
  parseListStock,
  parseReservationId,
  parseReserve,
  parseWatchStock,
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
  it('sums lines of equal SKU', () => {
    const input = parseReserve({ reservationId, items: [...items, ...items], ttl: undefined });
    expect(input.lines).to.deep.equal([{ sku: 'espresso', quantity: 2n }]);
  });

  it('names every field that breaks a rule', () => {
    const bad = [
      { sku: '', quantity: 0n },
      { sku: 'a b', quantity: 1_000_001n },
      { sku: 'x'.repeat(65), quantity: -1n },
      { sku: 'NUL\0', quantity: 9_223_372_036_854_775_807n },
    ];
    const fields = fieldsOf(() => parseReserve({ reservationId: 'no', items: bad, ttl: undefined }));
    const ofItems = bad.flatMap((_, index) => [`items[${index}].sku`, `items[${index}].quantity`]);
    expect(fields).to.deep.equal(['reservation_id', ...ofItems]);
  });

  it('wants at least one line, and at most a hundred', () => {
    const many = (length: number) =>
      Array.from({ length }, (_, index) => ({ sku: `s${index}`, quantity: 1n }));
    expect(fieldsOf(() => parseReserve({ reservationId, items: [] }))).to.deep.equal(['items']);
    expect(fieldsOf(() => parseReserve({ reservationId, items: many(100) }))).to.deep.equal([]);
    expect(fieldsOf(() => parseReserve({ reservationId, items: many(10_000) }))).to.deep.equal(['items']);
  });

  it('holds the sum of equal SKUs to the limit of a line', () => {
    const halves = [
      { sku: 'a', quantity: 500_000n },
      { sku: 'a', quantity: 500_000n },
    ];
    expect(fieldsOf(() => parseReserve({ reservationId, items: halves }))).to.deep.equal([]);
    const more = [...halves, { sku: 'a', quantity: 1n }];
    expect(fieldsOf(() => parseReserve({ reservationId, items: more }))).to.deep.equal(['items']);
  });

  it('takes a life from one second to a day', () => {
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

describe('a reservation id', () => {
  it('is a UUID in lower case', () => {
    expect(parseReservationId({ reservationId })).to.equal(reservationId);
    for (const bad of ['', 'x', reservationId.toUpperCase(), `${reservationId}0`])
      expect(fieldsOf(() => parseReservationId({ reservationId: bad }))).to.deep.equal(['reservation_id']);
  });
});

describe('GetStock, BatchGetStock and WatchStock', () => {
  it('take each SKU once, in SKU order', () => {
    const skus = ['b', 'a', 'b', 'Z'];
    expect(parseBatchGetStock({ skus, view: StockView.BASIC }).skus).to.deep.equal(['Z', 'a', 'b']);
    expect(parseWatchStock({ skus })).to.deep.equal(['Z', 'a', 'b']);
  });

  it('audit only when they are asked to', () => {
    const auditOf = (view: StockView): boolean => parseGetStock({ sku: 'a', view }).withAudit;
    expect([StockView.UNSPECIFIED, StockView.BASIC, StockView.AUDIT].map(auditOf)).to.deep.equal([
      false,
      false,
      true,
    ]);
    expect(fieldsOf(() => auditOf(7 as StockView))).to.deep.equal(['view']);
  });

  it('limit the number of SKUs', () => {
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
  it('goes on after the SKU that its token names', () => {
    expect(parseListStock({ pageSize: 0, pageToken: '' })).to.deep.equal({ after: '', size: 50 });
    const pageToken = pageTokenAfter('mocha');
    expect(parseListStock({ pageSize: 1000, pageToken })).to.deep.equal({ after: 'mocha', size: 1000 });
  });

  it('refuses page sizes below zero and above a thousand', () => {
    for (const pageSize of [-1, 1001])
      expect(fieldsOf(() => parseListStock({ pageSize, pageToken: '' }))).to.deep.equal(['page_size']);
  });

  it('refuses tokens that it did not make', () => {
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

describe('AdjustStock', () => {
  const request = { requestId: '', sku: 'espresso', delta: 5n, reason: '' };

  it('needs neither a request id nor a reason', () => {
    expect(parseAdjust(request)).to.deep.equal(request);
  });

  it('names every field that breaks a rule', () => {
    const bad = { requestId: 'r'.repeat(129), sku: 'ä', delta: 0n, reason: 'NUL\0' };
    expect(fieldsOf(() => parseAdjust(bad))).to.deep.equal(['request_id', 'sku', 'reason', 'delta']);
  });

  it('takes up to a billion up or down', () => {
    for (const delta of [1_000_000_000n, -1_000_000_000n])
      expect(fieldsOf(() => parseAdjust({ ...request, delta }))).to.deep.equal([]);
    for (const delta of [1_000_000_001n, -1_000_000_001n, -9_223_372_036_854_775_808n])
      expect(fieldsOf(() => parseAdjust({ ...request, delta }))).to.deep.equal(['delta']);
  });
});
