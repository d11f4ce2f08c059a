import { expect } from 'chai';
import fc from 'fast-check';
import { adjustmentError, limits, mergeLines, shortagesOf, unchangedCommit } from './domain.js';
import { aLevel, aReservation } from './testing/builders.js';

const lines = fc.array(
  fc.record({ sku: fc.constantFrom('a', 'B', 'b-1', '.'), quantity: fc.bigInt(1n, 1000n) }),
);

describe('mergeLines', () => {
  it('sorts lines by the bytes of their SKUs and sums the quantities of equal SKUs', () => {
    const merged = mergeLines([
      { sku: 'b', quantity: 1n },
      { sku: 'Z', quantity: 2n },
      { sku: 'a', quantity: 3n },
      { sku: 'b', quantity: 4n },
    ]);
    expect(merged).to.deep.equal([
      { sku: 'Z', quantity: 2n },
      { sku: 'a', quantity: 3n },
      { sku: 'b', quantity: 5n },
    ]);
  });

  it('returns the same lines for reversed input', () => {
    fc.assert(
      fc.property(lines, (input) => {
        expect(mergeLines(input.toReversed())).to.deep.equal(mergeLines(input));
      }),
    );
  });
});

describe('shortagesOf', () => {
  it('returns the lines that exceed the stock, with the available units', () => {
    const requested = [
      { sku: 'a', quantity: 3n },
      { sku: 'b', quantity: 3n },
      { sku: 'c', quantity: 1n },
    ];
    const levels = [
      aLevel({ sku: 'a', onHand: 5n, reserved: 2n }),
      aLevel({ sku: 'b', onHand: 5n, reserved: 3n }),
    ];
    expect(shortagesOf(requested, levels)).to.deep.equal([
      { sku: 'b', wanted: 3, available: 2, stocked: true },
      { sku: 'c', wanted: 1, available: 0, stocked: false },
    ]);
  });
});

describe('unchangedCommit', () => {
  it('returns why a commit changed nothing, for each state', () => {
    expect(unchangedCommit(aReservation({ state: 'COMMITTED' }))).to.equal('ALREADY_COMMITTED');
    expect(unchangedCommit(aReservation({ state: 'RELEASED' }))).to.equal('RELEASED');
    expect(unchangedCommit(aReservation({ state: 'RETURNED' }))).to.equal('RELEASED');
    expect(unchangedCommit(aReservation({ state: 'REFUSED', shortages: [] }))).to.equal('ILLEGAL');
    for (const state of ['RESERVED', 'EXPIRED'] as const)
      expect(unchangedCommit(aReservation({ state }))).to.equal('RECOMMIT');
  });

  it('returns EXPIRED after a rejected commit, even after a later release', () => {
    for (const state of ['EXPIRED', 'RELEASED'] as const)
      expect(unchangedCommit(aReservation({ state, shortages: [] }))).to.equal('EXPIRED');
  });
});

describe('adjustmentError', () => {
  it('rejects a reduction below the reserved units', () => {
    const level = aLevel({ onHand: 10n, reserved: 4n });
    expect(adjustmentError(level, -6n)).to.equal(undefined);
    expect(adjustmentError(level, -7n)).to.equal('STOCK_BELOW_RESERVED');
  });

  it('rejects a negative adjustment of a new SKU', () => {
    expect(adjustmentError(undefined, 1n)).to.equal(undefined);
    expect(adjustmentError(undefined, -1n)).to.equal('STOCK_NOT_FOUND');
  });

  it('rejects an adjustment that raises on_hand above the largest safe integer', () => {
    const level = aLevel({ onHand: limits.onHand - 1n });
    expect(adjustmentError(level, 1n)).to.equal(undefined);
    expect(adjustmentError(level, 2n)).to.equal('TOO_MUCH_STOCK');
  });
});
