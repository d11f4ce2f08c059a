import { expect } from 'chai';
import fc from 'fast-check';
import { currencyExponent } from './currency.js';
import { maxMinor, money, type WireMoney } from './money.js';
import { anyMoney, currencies } from './testing/arbitrary.js';
import { fromWire, positiveFromWire, toWire } from './wire.js';

const wire = (currencyCode: string, units: bigint, nanos = 0): WireMoney => ({ currencyCode, units, nanos });

describe('money on the wire', () => {
  it('is unchanged by encoding and decoding, in every currency', () => {
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

  it('has units and nanos of equal sign and nanos in range', () => {
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
    it(`has the expected units and nanos for ${minor} minor units of ${currency}`, () => {
      expect(toWire(money(currency, minor))).to.deep.equal(expected);
    });

  const invalid: [string, WireMoney, string][] = [
    ['an unknown currency', wire('XXX', 1n), 'currency_code must be an ISO 4217 code'],
    ['no currency', wire('', 1n), 'currency_code must be an ISO 4217 code'],
    ['nanos equal to one unit', wire('USD', 1n, 1_000_000_000), 'nanos must be between'],
    ['nanos equal to minus one unit', wire('USD', -1n, -1_000_000_000), 'nanos must be between'],
    [
      'negative nanos with positive units',
      wire('USD', 1n, -10_000_000),
      'units and nanos must have the same sign',
    ],
    [
      'positive nanos with negative units',
      wire('USD', -1n, 10_000_000),
      'units and nanos must have the same sign',
    ],
    ['a tenth of a cent', wire('USD', 1n, 1_000_000), 'must have at most 2 decimal places for USD'],
    ['a tenth of a yen', wire('JPY', 1n, 100_000_000), 'must have at most 0 decimal places for JPY'],
    ['a tenth of a fils', wire('KWD', 1n, 100_000), 'must have at most 3 decimal places for KWD'],
    ['one minor unit above the largest amount', wire('JPY', maxMinor + 1n), 'is too large'],
    ['one minor unit below the smallest amount', wire('JPY', -maxMinor - 1n), 'is too large'],
    ['the largest int64', wire('USD', 2n ** 63n - 1n, 990_000_000), 'is too large'],
  ];
  for (const [label, input, violation] of invalid)
    it(`is rejected with ${label}`, () => {
      expect(fromWire(input)).to.be.a('string').that.contains(violation);
      expect(positiveFromWire(input)).to.equal(fromWire(input));
    });

  it('is rejected if its precision exceeds the minor unit, in every currency', () => {
    for (const currency of currencies) {
      const nanosPerMinor = 10 ** (9 - (currencyExponent(currency) ?? 0));
      const excessNanos = fc
        .integer({ min: -999_999_999, max: 999_999_999 })
        .filter((n) => n % nanosPerMinor !== 0);
      fc.assert(
        fc.property(excessNanos, (nanos) => typeof fromWire(wire(currency, 0n, nanos)) === 'string'),
        { numRuns: 20 },
      );
    }
  });

  it('is rejected by positiveFromWire if it is missing or not greater than zero', () => {
    expect(positiveFromWire(undefined)).to.equal('is required');
    for (const input of [wire('USD', 0n), wire('USD', 0n, -10_000_000), wire('JPY', -5n)])
      expect(positiveFromWire(input)).to.equal('must be greater than zero');
    expect(positiveFromWire(wire('USD', 0n, 10_000_000))).to.deep.equal(money('USD', 1));
  });
});
