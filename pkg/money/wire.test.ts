import { expect } from 'chai';
import fc from 'fast-check';
import { currencyExponent } from './currency.js';
import { maxMinor, money, type WireMoney } from './money.js';
import { anyMoney, currencies } from './testing/arbitrary.js';
import { fromWire, positiveFromWire, toWire } from './wire.js';

const wire = (currencyCode: string, units: bigint, nanos = 0): WireMoney => ({ currencyCode, units, nanos });

describe('money on the wire', () => {
  it('comes back as it was sent, in every currency', () => {
    fc.assert(
      fc.property(anyMoney, (amount) => {
        expect(fromWire(toWire(amount))).to.deep.equal(amount);
      }),
      { numRuns: 1000 },
    );
    for (const currency of currencies)
      for (const minor of [0n, 1n, -1n, maxMinor, -maxMinor])
        expect(fromWire(toWire(money(currency, minor)))).to.deep.equal(money(currency, minor));
  });

  it('has units and nanos of one sign, nanos in their range', () => {
    fc.assert(
      fc.property(anyMoney, (amount) => {
        const { units, nanos } = toWire(amount);
        expect(Math.abs(nanos)).to.be.lessThan(1_000_000_000);
        expect(units * BigInt(nanos) >= 0n).to.equal(true);
      }),
    );
  });

  const examples: [string, bigint, WireMoney][] = [
    ['USD', 1250n, wire('USD', 12n, 500_000_000)],
    ['USD', -1n, wire('USD', 0n, -10_000_000)],
    ['JPY', 980n, wire('JPY', 980n)],
    ['KWD', 1n, wire('KWD', 0n, 1_000_000)],
    ['CLF', 10_001n, wire('CLF', 1n, 100_000)],
  ];
  for (const [currency, minor, expected] of examples)
    it(`of ${minor} minor units of ${currency} is as google.type.Money wants it`, () => {
      expect(toWire(money(currency, minor))).to.deep.equal(expected);
    });

  const refused: [string, WireMoney, string][] = [
    ['an unknown currency', wire('XXX', 1n), 'currency_code must be an ISO 4217 code'],
    ['no currency', wire('', 1n), 'currency_code must be an ISO 4217 code'],
    ['nanos of a whole unit', wire('USD', 1n, 1_000_000_000), 'nanos must be between'],
    ['nanos of a whole unit less', wire('USD', -1n, -1_000_000_000), 'nanos must be between'],
    [
      'a sign of nanos against units',
      wire('USD', 1n, -10_000_000),
      'units and nanos must have the same sign',
    ],
    [
      'a sign of units against nanos',
      wire('USD', -1n, 10_000_000),
      'units and nanos must have the same sign',
    ],
    ['a tenth of a cent', wire('USD', 1n, 1_000_000), 'must have at most 2 decimal places for USD'],
    ['a tenth of a yen', wire('JPY', 1n, 100_000_000), 'must have at most 0 decimal places for JPY'],
    ['a tenth of a fils', wire('KWD', 1n, 100_000), 'must have at most 3 decimal places for KWD'],
    ['one minor unit too many', wire('JPY', maxMinor + 1n), 'is too large'],
    ['one minor unit too few', wire('JPY', -maxMinor - 1n), 'is too large'],
    ['the largest int64', wire('USD', 2n ** 63n - 1n, 990_000_000), 'is too large'],
  ];
  for (const [what, given, violation] of refused)
    it(`is refused with ${what}`, () => {
      expect(fromWire(given)).to.be.a('string').that.contains(violation);
      expect(positiveFromWire(given)).to.equal(fromWire(given));
    });

  it('is refused when it is finer than the minor unit, in every currency', () => {
    for (const currency of currencies) {
      const nanosPerMinor = 10 ** (9 - (currencyExponent(currency) ?? 0));
      const finer = fc
        .integer({ min: -999_999_999, max: 999_999_999 })
        .filter((n) => n % nanosPerMinor !== 0);
      fc.assert(
        fc.property(finer, (nanos) => typeof fromWire(wire(currency, 0n, nanos)) === 'string'),
        { numRuns: 20 },
      );
    }
  });

  it('must be there and greater than zero where it has to be positive', () => {
    expect(positiveFromWire(undefined)).to.equal('is required');
    for (const given of [wire('USD', 0n), wire('USD', 0n, -10_000_000), wire('JPY', -5n)])
      expect(positiveFromWire(given)).to.equal('must be greater than zero');
    expect(positiveFromWire(wire('USD', 0n, 10_000_000))).to.deep.equal(money('USD', 1));
  });
});
