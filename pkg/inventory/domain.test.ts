import { expect } from 'chai';
import fc from 'fast-check';
import { adjustmentRefusal, commitAnswer, limits, mergeLines, shortagesOf } from './domain.js';
import { aLevel, aReservation } from './testing/builders.js';

const lines = fc.array(
  fc.record({ sku: fc.constantFrom('a', 'B', 'b-1', '.'), quantity: fc.bigInt(1n, 1000n) }),
);

describe('lines of a reservation', () => {
  it('are in byte order of their SKUs, with equal SKUs summed', () => {
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

  it('mean the same in whatever order they come', () => {
    fc.assert(
      fc.property(lines, (given) => {
        expect(mergeLines(given.toReversed())).to.deep.equal(mergeLines(given));
      }),
    );
  });
});

describe('shortages', () => {
  it('name the lines that cannot be taken, and what is left of them', () => {
    const wanted = [
      { sku: 'a', quantity: 3n },
      { sku: 'b', quantity: 3n },
      { sku: 'c', quantity: 1n },
    ];
    const levels = [
      aLevel({ sku: 'a', onHand: 5n, reserved: 2n }),
      aLevel({ sku: 'b', onHand: 5n, reserved: 3n }),
    ];
    expect(shortagesOf(wanted, levels)).to.deep.equal([
      { sku: 'b', wanted: 3, available: 2, stocked: true },
      { sku: 'c', wanted: 1, available: 0, stocked: false },
    ]);
  });
});

describe('the answer to a commit that changed nothing', () => {
  it('depends on the state', () => {
    expect(commitAnswer(aReservation({ state: 'COMMITTED' }))).to.equal('ALREADY_COMMITTED');
    expect(commitAnswer(aReservation({ state: 'RELEASED' }))).to.equal('RELEASED');
    expect(commitAnswer(aReservation({ state: 'RETURNED' }))).to.equal('RELEASED');
    expect(commitAnswer(aReservation({ state: 'REFUSED', shortages: [] }))).to.equal('ILLEGAL');
    expect(commitAnswer(aReservation({ state: 'EXPIRED' }))).to.equal('TAKE_AGAIN');
  });

  it('stays a refusal once a commit was refused, also after a release', () => {
    for (const state of ['EXPIRED', 'RELEASED'] as const)
      expect(commitAnswer(aReservation({ state, shortages: [] }))).to.equal('EXPIRED');
  });
});

describe('an adjustment', () => {
  it('may empty the stock down to what is reserved', () => {
    const level = aLevel({ onHand: 10n, reserved: 4n });
    expect(adjustmentRefusal(level, -6n)).to.equal(undefined);
    expect(adjustmentRefusal(level, -7n)).to.equal('STOCK_BELOW_RESERVED');
  });

  it('may be the first of a SKU only if it adds', () => {
    expect(adjustmentRefusal(undefined, 1n)).to.equal(undefined);
    expect(adjustmentRefusal(undefined, -1n)).to.equal('STOCK_NOT_FOUND');
  });

  it('may not raise stock over what a double can count', () => {
    const level = aLevel({ onHand: limits.onHand - 1n });
    expect(adjustmentRefusal(level, 1n)).to.equal(undefined);
    expect(adjustmentRefusal(level, 2n)).to.equal('TOO_MUCH_STOCK');
  });
});
