import { expect } from 'chai';
import fc from 'fast-check';
import { add, format, isEqual, maxMinor, money, multiply } from './money.js';
import { anyMoney } from './testing/arbitrary.js';

describe('money', () => {
  it('requires a known currency', () => {
    expect(money('USD', 350)).to.deep.equal({ currency: 'USD', minor: 350n });
    expect(money('JPY', 350n)).to.deep.equal({ currency: 'JPY', minor: 350n });
    for (const currency of ['', 'usd', 'XXX', 'EURO', 'constructor', '__proto__'])
      expect(() => money(currency, 1), currency).to.throw(RangeError, 'unknown currency');
  });

  it('rejects a fraction of a minor unit', () => {
    for (const minor of [0.5, Number.NaN, Infinity]) expect(() => money('USD', minor)).to.throw(RangeError);
  });

  it('has a commutative sum within one currency, and no sum across currencies', () => {
    fc.assert(
      fc.property(anyMoney, fc.bigInt(), fc.bigInt(), ({ currency }, b, c) => {
        const [x, y] = [money(currency, b), money(currency, c)];
        expect(add(x, y))
          .to.deep.equal(money(currency, b + c))
          .and.to.deep.equal(add(y, x));
      }),
    );
    expect(() => add(money('USD', 1), money('EUR', 1))).to.throw(RangeError, 'cannot add EUR to USD');
  });

  it('is equal to the same amount of the same currency only', () => {
    expect(isEqual(money('USD', 1), money('USD', 1))).to.equal(true);
    expect(isEqual(money('USD', 1), money('USD', 2))).to.equal(false);
    expect(isEqual(money('USD', 1), money('EUR', 1))).to.equal(false);
  });

  it('has exact sums and products above the integers that a double represents exactly', () => {
    const largest = money('USD', maxMinor);
    expect(add(largest, money('USD', 1)).minor - maxMinor).to.equal(1n);
    expect(multiply(largest, 1_000_000n).minor).to.equal(9_007_199_254_740_991_000_000n);
  });

  it('has a product equal to the repeated sum', () => {
    fc.assert(
      fc.property(anyMoney, fc.integer({ min: 1, max: 50 }), (price, quantity) => {
        const sum = Array.from({ length: quantity - 1 }, () => price).reduce(add, price);
        expect(multiply(price, BigInt(quantity))).to.deep.equal(sum);
      }),
    );
  });

  const formatted = {
    '12.50 USD': money('USD', 1250),
    '0.05 USD': money('USD', 5),
    '-0.05 USD': money('USD', -5),
    '0.00 USD': money('USD', 0),
    '980 JPY': money('JPY', 980),
    '-1 JPY': money('JPY', -1),
    '1.234 KWD': money('KWD', 1234),
    '0.0001 CLF': money('CLF', 1),
  };
  for (const [text, amount] of Object.entries(formatted))
    it(`is formatted as ${text}`, () => {
      expect(format(amount)).to.equal(text);
    });

  it('is formatted without loss of digits', () => {
    fc.assert(
      fc.property(anyMoney, (amount) => {
        const [number = ''] = format(amount).split(' ');
        expect(BigInt(number.replace('.', ''))).to.equal(amount.minor);
      }),
    );
  });
});
