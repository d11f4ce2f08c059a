import { expect } from 'chai';
import { logChanges } from './changes.js';

describe('logChanges', () => {
  it('logs one line per change, with the data in fields', () => {
    const lines: [object, string][] = [];
    const log = logChanges({ info: (fields, message) => lines.push([fields, message]) });
    const reservationId = '018f0000-0000-7000-8000-000000000001';
    log({ kind: 'reservation', status: 'reserved', reservationId, skus: ['a', 'b'] });
    log({ kind: 'adjustment', sku: 'a', delta: -2n });
    expect(lines).to.deep.equal([
      [{ reservation_id: reservationId, status: 'reserved', sku_count: 2 }, 'reservation changed'],
      [{ sku: 'a', delta: -2n }, 'stock adjusted'],
    ]);
  });
});
