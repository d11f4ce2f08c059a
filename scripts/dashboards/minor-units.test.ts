import { expect } from 'chai';
import { currencyCodes, currencyExponent } from '../../pkg/money/index.js';
import { inUnits } from './minor-units.js';

/** The divisors that the expression applies to a currency. */
function divisors(code: string): number[] {
  return inUnits((currencies) => currencies)
    .split(' or ')
    .flatMap((part) => {
      const [, operator, codes = '', divisor] = /^currency(=~|!~)"(.*)" \/ (\d+)$/.exec(part) ?? [];
      const named = codes.split('|').includes(code);
      return named === (operator === '=~') ? [Number(divisor)] : [];
    });
}

describe('amounts in whole units', () => {
  for (const [code, divisor] of Object.entries({ EUR: 100, JPY: 1, KWD: 1000, CLF: 10_000 }))
    it(`divide ${code} by ${divisor}`, () => {
      expect(divisors(code)).to.deep.equal([divisor]);
    });

  it('divide every currency once, by ten to its exponent', () => {
    for (const code of currencyCodes)
      expect(divisors(code), code).to.deep.equal([10 ** (currencyExponent(code) ?? Number.NaN)]);
  });
});
