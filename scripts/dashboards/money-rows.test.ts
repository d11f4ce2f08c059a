import { expect } from 'chai';
import { currencyCodes, currencyExponent } from '../../pkg/money/index.js';
import { inUnits } from './money-rows.js';

/** Returns all divisors that the expression of `inUnits` applies to a currency. */
function divisors(code: string): number[] {
  return inUnits((currencies) => currencies)
    .split(' or ')
    .flatMap((part) => {
      const [, operator, codes = '', divisor] = /^currency(=~|!~)"(.*)" \/ (\d+)$/.exec(part) ?? [];
      const isListed = codes.split('|').includes(code);
      return isListed === (operator === '=~') ? [Number(divisor)] : [];
    });
}

describe('inUnits', () => {
  for (const [code, divisor] of Object.entries({ EUR: 100, JPY: 1, KWD: 1000, CLF: 10_000 }))
    it(`divides ${code} by ${divisor}`, () => {
      expect(divisors(code)).to.deep.equal([divisor]);
    });

  it('divides every currency exactly once, by ten to the power of the exponent of the currency', () => {
    for (const code of currencyCodes)
      expect(divisors(code), code).to.deep.equal([10 ** (currencyExponent(code) ?? Number.NaN)]);
  });
});
