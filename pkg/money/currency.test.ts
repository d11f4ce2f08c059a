import { expect } from 'chai';
import { currencyExponent } from './currency.js';
import { currencies } from './testing/arbitrary.js';

describe('currencies', () => {
  const exponents = { USD: 2, EUR: 2, JPY: 0, KRW: 0, BHD: 3, KWD: 3, CLF: 4, UYW: 4, HUF: 2, TWD: 2 };
  for (const [code, exponent] of Object.entries(exponents))
    it(`${code} has ${exponent} decimal places`, () => {
      expect(currencyExponent(code)).to.equal(exponent);
    });

  it('include 150 to 180 codes, but no metals, test codes or malformed codes', () => {
    expect(currencies).to.have.length.within(150, 180);
    for (const code of ['', 'usd', 'US', 'USDD', 'XXX', 'XTS', 'XAU', 'toString', 'constructor', '__proto__'])
      expect(currencyExponent(code), code).to.equal(undefined);
  });
});
